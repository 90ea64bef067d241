import type { NamespaceExists } from '#core/routing/admission.ts';
import type { KubeClient } from '#kube/client.ts';
import { hasCode } from '#kube/failures.ts';
import type { Runtime } from './runtime.ts';
import { SingleFlight } from './single-flight.ts';

/** What the API server takes for the name of a namespace (RFC 1123 label); no other is there. */
const namespaceName = /^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/;
/** Whoever asks again and again is answered from memory for so long. */
const memoryMs = 5_000;
const namespacesMax = 256;

/** Looks namespaces up one by one, for those who ask by hand. */
export function lookUpNamespaces(
  runtime: Runtime,
  client: Pick<KubeClient, 'call'>,
): NamespaceExists {
  const lookUps = new SingleFlight<boolean>(runtime, {
    ...{ name: 'namespaces', entriesMax: namespacesMax },
    memoryMs: () => memoryMs,
  });
  return async (name, signal) => {
    if (!namespaceName.test(name)) return false;
    const run = async ({ signal: bounded }: { readonly signal: AbortSignal }) => {
      const path = `/api/v1/namespaces/${name}`;
      const answer = await client.call({ method: 'GET', path }, bounded);
      return answer.ok || !hasCode(answer.error, 404);
    };
    const answer = await lookUps.ask({ key: name, run, lingers: false }, signal);
    return answer?.value ?? true;
  };
}
