import type { Runtime } from '#actors/runtime.ts';
import { type Flight, SingleFlight } from '#actors/single-flight.ts';
import { isSubdomain } from '#core/filter/selector-requirement.ts';
import type { KubeClient } from '#kube/client.ts';
import { hasCode } from '#kube/failures.ts';
import { resourcePath } from '#kube/paths.ts';

/** Whether Pods may be given pull secrets, by their service accounts; the caller closes it. */
export class ServiceAccounts {
  readonly #client: Pick<KubeClient, 'call'>;
  readonly #flights: SingleFlight<Lending>;

  constructor(runtime: Runtime, client: Pick<KubeClient, 'call'>) {
    this.#client = client;
    this.#flights = new SingleFlight<Lending>(runtime, {
      ...{ name: 'service-accounts', entriesMax: accountsMax },
      memoryMs: () => memoryMs,
    });
  }

  /**
   * Why a Pod of the account may get no pull secret beside those that it names; undefined where it
   * may. In doubt it may not: the API server would refuse the Pod.
   */
  readonly objection = async (
    namespace: string,
    name: string,
    signal: AbortSignal,
  ): Promise<string | undefined> => {
    // A Pod of such an account is refused in any case.
    if (!isSubdomain(name)) return undefined;
    const run = (flight: Flight) => this.#read(namespace, name, flight.signal);
    const key = `${namespace}/${name}`;
    const answer = await this.#flights.ask({ key, run, lingers: false }, signal);
    const lending = answer?.value ?? 'unknown';
    if (lending === 'allowed') return undefined;
    return lending === 'enforced'
      ? `the service account ${key} mounts only Secrets of its own (${annotation})`
      : `the service account ${key} was not read, and may allow no other pull secret`;
  };

  /** Ends what is in flight. */
  readonly close = (): void => this.#flights.close();

  async #read(namespace: string, name: string, signal: AbortSignal): Promise<Lending> {
    const place = { group: '', version: 'v1', plural: 'serviceaccounts', namespace, name };
    const call = { method: 'GET', path: resourcePath(place) } as const;
    const bounded = AbortSignal.any([signal, AbortSignal.timeout(readTimeoutMs)]);
    const answer = await this.#client.call<StoredAccount>(call, bounded);
    if (!answer.ok) return hasCode(answer.error, 404) ? 'allowed' : 'unknown';
    return answer.value.metadata?.annotations?.[annotation] === 'true' ? 'enforced' : 'allowed';
  }
}

type Lending = 'allowed' | 'enforced' | 'unknown';

interface StoredAccount {
  readonly metadata?: { readonly annotations?: Readonly<Record<string, string>> };
}

const annotation = 'kubernetes.io/enforce-mountable-secrets';
/** Pods of one Deployment come together; whoever changes the account waits no longer than this. */
const memoryMs = 5_000;
const accountsMax = 1_000;
const readTimeoutMs = 1_000;
