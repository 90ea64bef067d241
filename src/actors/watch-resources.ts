import { apiGroup, apiVersionName, type KuikKind, type KuikResource, kinds } from '#api/kinds.ts';
import type { KubeClient } from '#kube/client.ts';
import { createInterner } from '#kube/intern.ts';
import { resourcePath } from '#kube/paths.ts';
import { type ReflectorOptions, runReflector } from '#kube/reflector.ts';
import { type SlimPod, slimPod } from '#kube/slim-pod.ts';
import { slimResource } from '#kube/slim-resource.ts';
import { createStore, type Store } from '#kube/store.ts';
import type { ListedObject } from '#kube/watch.ts';
import type { Log } from '#telemetry/log.ts';
import type { ReflectorSource } from './reflectors.ts';

/** What the process keeps of the cluster, and the loops that keep it. */
export interface WatchedResources {
  /** The five kinds, whole, by kind. */
  readonly kuik: ReadonlyMap<KuikKind, Store<KuikResource>>;
  readonly pods: Store<SlimPod>;
  /** One `reflector:<plural>` each. */
  readonly sources: readonly ReflectorSource[];
  /** Whether each store has read a whole list since the start, by plural. */
  readonly synced: () => Readonly<Record<string, boolean>>;
}

/** How the watches are made. */
export interface WatchOptions {
  readonly client: KubeClient;
  /** From 0 to 1, to spread the watches of replicas. */
  readonly random: () => number;
  readonly log: Log;
}

/** A status lists up to 1,000 images and more than a megabyte: a page must not hold 500 of them. */
const pageResources = 50;
/** A Pod is 5 to 10 KB of JSON: to parse a page takes some 10 ms, in which no review is answered. */
const pagePods = 200;

/** Makes the stores and the loops; nothing is read before the loops run. */
export function watchResources(options: WatchOptions): WatchedResources {
  const stores = new Map<string, Store<unknown>>();
  const sources: ReflectorSource[] = [];
  const watch = <T>(
    resource: string,
    what: Pick<ReflectorOptions<T>, 'path' | 'slim' | 'pageObjects'>,
  ): Store<T> => {
    const store = createStore<T>();
    const { client, random, log } = options;
    const onUnfit = (key: string, error: unknown) =>
      log.error({ resource, key, err: error }, 'an object could not be read and is left out');
    const reading = { client, random, ...what, store, onUnfit };
    stores.set(resource, store);
    sources.push({
      resource,
      run: (onPhase, signal) => runReflector({ ...reading, onPhase }, signal),
    });
    return store;
  };
  const kuik = new Map(
    kinds.map(({ kind, plural }) => {
      const path = resourcePath({ group: apiGroup, version: apiVersionName, plural });
      const slim = (object: ListedObject) => slimResource(kind, object);
      return [kind, watch(plural, { path, slim, pageObjects: pageResources })];
    }),
  );
  const interner = createInterner();
  const pods = watch('pods', {
    path: '/api/v1/pods',
    slim: (object) => slimPod(object, interner),
    pageObjects: pagePods,
  });
  return {
    kuik,
    pods,
    sources,
    synced: () =>
      Object.fromEntries([...stores].map(([resource, store]) => [resource, store.isSynced()])),
  };
}
