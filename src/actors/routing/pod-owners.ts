import { Limiter } from '#actors/limiter.ts';
import type { Runtime } from '#actors/runtime.ts';
import { type Flight, SingleFlight } from '#actors/single-flight.ts';
import { isSubdomain } from '#core/filter/selector-requirement.ts';
import type { OwnerReference } from '#core/pod.ts';
import type { KubeClient } from '#kube/client.ts';
import { type ResourcePlace, resourcePath } from '#kube/paths.ts';

/** Whether the owners that Pods of reviews name are there: a review is anybody's to send. */
export class PodOwners {
  readonly #client: Pick<KubeClient, 'call'>;
  readonly #flights: SingleFlight<boolean>;
  readonly #limiter: Limiter;

  constructor(runtime: Runtime, client: Pick<KubeClient, 'call'>) {
    this.#client = client;
    this.#limiter = new Limiter(runtime, { concurrency: readsMax, waitingMax });
    this.#flights = new SingleFlight<boolean>(runtime, {
      ...{ name: 'pod-owners', entriesMax: ownersMax },
      memoryMs: () => memoryMs,
    });
  }

  /** Whether there is an object of that kind, name and uid; of other kinds nothing is known. */
  readonly isThere = async (namespace: string, owner: OwnerReference): Promise<boolean> => {
    const place = placeOf(namespace, owner);
    if (place === undefined) return false;
    const run = ({ signal }: Flight) => this.#read(place, owner.uid, signal);
    const key = JSON.stringify([place, owner.uid]);
    const signal = AbortSignal.timeout(readTimeoutMs);
    const answer = await this.#flights.ask({ key, run, lingers: false }, signal);
    return answer?.value ?? false;
  };

  /** Ends what is in flight. */
  readonly close = (): void => {
    this.#flights.close();
    this.#limiter.dismiss();
  };

  async #read(place: ResourcePlace, uid: string, signal: AbortSignal): Promise<boolean> {
    const path = resourcePath(place);
    const read = await this.#limiter.run(
      () => this.#client.call<StoredOwner>({ method: 'GET', path }, signal),
      { signal },
    );
    return read.kind === 'done' && read.value.ok && read.value.value.metadata?.uid === uid;
  }
}

interface StoredOwner {
  readonly metadata?: { readonly uid?: string };
}

/** What makes Pods in Kubernetes itself, by version and kind (behaviour §10). */
const plurals: ReadonlyMap<string, string> = new Map([
  ['apps/v1 ReplicaSet', 'replicasets'],
  ['apps/v1 StatefulSet', 'statefulsets'],
  ['apps/v1 DaemonSet', 'daemonsets'],
  ['batch/v1 Job', 'jobs'],
  ['v1 ReplicationController', 'replicationcontrollers'],
]);

function placeOf(
  namespace: string,
  { apiVersion, kind, name }: OwnerReference,
): ResourcePlace | undefined {
  const plural = plurals.get(`${apiVersion} ${kind}`);
  if (plural === undefined || !isSubdomain(name) || !isSubdomain(namespace)) return undefined;
  const [version = '', group = ''] = apiVersion.split('/').reverse();
  return { group, version, plural, namespace, name };
}

/** A Deployment makes Pods again and again; what is gone is soon known to be. */
const memoryMs = 10_000;
const ownersMax = 1_000;
/** The API server's fairness is shared with the watches; an event that is not written is no loss. */
const readsMax = 4;
const waitingMax = 256;
const readTimeoutMs = 5_000;
