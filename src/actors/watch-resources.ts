import { apiGroup, apiVersionName, type KuikKind, type KuikResource, kinds } from '#api/kinds.ts';
import type { KubeClient } from '#kube/client.ts';
import { createInterner } from '#kube/intern.ts';
import { resourcePath } from '#kube/paths.ts';
import { type ReflectorOptions, runReflector } from '#kube/reflector.ts';
import { type SlimPod, slimPod } from '#kube/slim-pod.ts';
import { slimResource } from '#kube/slim-resource.ts';
import { createStore, type Store } from '#kube/store.ts';
import type { ListedObject } from '#kube/watch.ts';
import { reflectorLogic, type WatchLoop } from './reflectors.ts';
import type { KuikSystem } from './system.ts';

/** What the process keeps of the cluster. */
export interface WatchedResources {
  /** The five kinds, whole, by kind. */
  readonly kuik: ReadonlyMap<KuikKind, Store<KuikResource>>;
  readonly pods: Store<SlimPod>;
  /** Whether each store has read a whole list since the start, by plural. */
  readonly synced: () => Readonly<Record<string, boolean>>;
}

/** A status lists up to 1,000 images and more than a megabyte: a page must not hold 500 of them. */
const pageResources = 50;
/** A Pod is 5 to 10 KB of JSON: to parse a page takes some 10 ms, in which no review is answered. */
const pagePods = 200;

/** Adds the stores, each kept by a `reflector:<plural>`; nothing is read before the system starts. */
export function addWatchedResources(system: KuikSystem, client: KubeClient): WatchedResources {
  const { runtime } = system;
  const { random } = runtime;
  const stores = new Map<string, Store<unknown>>();
  const watch = <T>(
    resource: string,
    what: Pick<ReflectorOptions<T>, 'path' | 'slim' | 'pageObjects'>,
  ): Store<T> => {
    const store = createStore<T>();
    const id = `reflector:${resource}`;
    const log = runtime.log.child({ actor: id });
    const onUnfit = (key: string, error: unknown) =>
      log.error({ key, err: error }, 'an object could not be read and is left out');
    const reading = { client, random, ...what, store, onUnfit };
    stores.set(resource, store);
    const run: WatchLoop = (onPhase, signal) => runReflector({ ...reading, onPhase }, signal);
    system.always({ id, logic: reflectorLogic(resource, run, { ...runtime, log }) });
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
    synced: () =>
      Object.fromEntries([...stores].map(([resource, store]) => [resource, store.isSynced()])),
  };
}
