import { mirrorIdentity } from '#actors/reporting/mirror-store.ts';
import { collectionOf } from '#actors/reporting/status-store.ts';
import type { Runtime } from '#actors/runtime.ts';
import { type KuikResource, resourceName } from '#api/kinds.ts';
import { type Result, succeed } from '#core/result.ts';
import type { KubeClient } from '#kube/client.ts';
import type { ApiFailure } from '#kube/failures.ts';
import { resourcePath } from '#kube/paths.ts';

/** kuik v2's, so that going back works: only where copies are cleaned up (behaviour §5). */
export const mirrorCleanup = 'kuik.enix.io/mirror-cleanup';
/** kuik v2's too; copied Secrets are kept by other means here, so it is taken off. */
export const secretCleanup = 'kuik.enix.io/secret-cleanup';

const writeTimeoutMs = 10_000;

/** What an object's finalizers are to be. */
export interface FinalizersChange {
  readonly object: KuikResource;
  readonly isWanted: boolean;
}

/** Keeps finalizers right; what cannot be written now is told, and written another time. */
export function finalizersKeeper({ log }: Pick<Runtime, 'log'>, client: Pick<KubeClient, 'call'>) {
  return async (change: FinalizersChange, signal: AbortSignal): Promise<void> => {
    const kept = await keepFinalizers(client, change, signal);
    if (kept.ok || signal.aborted) return;
    const { name, namespace } = change.object.metadata;
    const fields = { name, namespace, failure: kept.error };
    log.warn(fields, 'the finalizers of a resource could not be written');
  };
}

/** Makes the finalizers of an object right: ours where it is wanted, else neither of kuik v2's. */
export async function keepFinalizers(
  client: Pick<KubeClient, 'call'>,
  { object, isWanted }: FinalizersChange,
  signal: AbortSignal,
): Promise<Result<unknown, ApiFailure>> {
  const { uid, name, finalizers: present = [], deletionTimestamp } = object.metadata;
  const others = present.filter((one) => one !== mirrorCleanup && one !== secretCleanup);
  const isOn = present.includes(mirrorCleanup);
  // The API server takes no new one on what is being deleted.
  const isKept = isWanted && (isOn || deletionTimestamp === undefined);
  const wanted = isKept ? [...others, mirrorCleanup] : others;
  if (isKept === isOn && wanted.length === present.length) return succeed(undefined);
  const path = '/metadata/finalizers';
  const body = [
    { op: 'test', path: '/metadata/uid', value: uid },
    // Whoever else writes there at this moment is not written over.
    ...(present.length > 0 ? [{ op: 'test', path, value: present }] : []),
    { op: 'add', path, value: wanted },
  ];
  const place = { ...collectionOf(mirrorIdentity(resourceName(object))), name };
  const bounded = AbortSignal.any([signal, AbortSignal.timeout(writeTimeoutMs)]);
  return await client.call(
    {
      ...{ method: 'PATCH', path: resourcePath(place), body },
      query: { fieldManager: 'kuik-mirroring' },
      contentType: 'application/json-patch+json',
    },
    bounded,
  );
}
