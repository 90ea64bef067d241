import { apiGroup, apiVersionName, type KuikKind, type KuikResource, kinds } from '#api/kinds.ts';
import type { PlatformsSetting } from '#core/mirroring/platforms.ts';
import type { KubeClient } from '#kube/client.ts';
import { createInterner } from '#kube/intern.ts';
import { resourcePath } from '#kube/paths.ts';
import { type ReflectorOptions, runReflector } from '#kube/reflector.ts';
import { type SlimNode, slimNode } from '#kube/slim-node.ts';
import { type SlimPod, slimPod } from '#kube/slim-pod.ts';
import { slimResource } from '#kube/slim-resource.ts';
import { createStore, type Store } from '#kube/store.ts';
import type { ListedObject } from '#kube/watch.ts';
import { nodeArchitectures } from './node-architectures.ts';
import { reflectorLogic, type WatchLoop } from './reflectors.ts';
import type { KuikSystem } from './system.ts';

/** What the process keeps of the cluster. */
export interface WatchedResources {
  /** The five kinds, whole, by kind. */
  readonly kuik: ReadonlyMap<KuikKind, Store<KuikResource>>;
  readonly pods: Store<SlimPod>;
  readonly nodes: Store<SlimNode>;
  /** Of the nodes; undefined until all have been read. */
  readonly architectures: () => ReadonlySet<string> | undefined;
  /**
   * Whether each store has read a whole list since the start, by plural. The nodes count as read once
   * they were refused: without them cut copies are offered to fewer Pods, and nothing else is amiss.
   */
  readonly synced: () => Readonly<Record<string, boolean>>;
}

/** Of what only some configurations need. */
export interface WatchedResourcesOptions {
  /** Where copies are whole nobody asks what the nodes can run, and no role says that one may. */
  readonly platforms: PlatformsSetting;
}

/** A status lists up to 1,000 images and more than a megabyte: a page must not hold 500 of them. */
const pageResources = 50;
/** A Pod is 5 to 10 KB of JSON: to parse a page takes some 10 ms, in which no review is answered. */
const pagePods = 200;
/** A node is 20 KB and more, most of it the names of the images that it has. */
const pageNodes = 50;

/**
 * Copies are deleted half a minute after a status says so: by then every replica knows, even one whose
 * connection died without a word. A watch is opened anew each quarter of a minute, and a silent one
 * given up before that time is over.
 */
const promptly = { watchSeconds: 11, silenceMs: 25_000 };

/**
 * A call has one minute, a watch is silent for three at most, and Retry-After is kept to for one: a
 * reflector that says nothing for longer has nothing in flight.
 */
const quietMsMax = 300_000;

const isMirror = (kind: KuikKind): boolean =>
  kind === 'ImageSetMirror' || kind === 'ClusterImageSetMirror';

/** Adds the stores, each kept by a `reflector:<plural>`; nothing is read before the system starts. */
export function addWatchedResources(
  system: KuikSystem,
  client: KubeClient,
  { platforms }: WatchedResourcesOptions,
): WatchedResources {
  const { runtime } = system;
  const { random } = runtime;
  const stores = new Map<string, Store<unknown>>();
  const interrupted = new Set<string>();
  const watch = <T>(
    resource: string,
    what: Pick<ReflectorOptions<T>, 'path' | 'slim' | 'pageObjects' | 'silenceMs' | 'watchSeconds'>,
  ): Store<T> => {
    const store = createStore<T>();
    const id = `reflector:${resource}`;
    const log = runtime.log.child({ actor: id });
    const onUnfit = (key: string, error: unknown) =>
      log.error({ key, err: error }, 'an object could not be read and is left out');
    const reading = { client, random, ...what, store, onUnfit };
    stores.set(resource, store);
    const run: WatchLoop = (report, signal) => {
      const onPhase: typeof report = (phase, ...details) => {
        if (phase === 'BackingOff') interrupted.add(resource);
        report(phase, ...details);
      };
      return runReflector({ ...reading, onPhase }, signal);
    };
    const logic = reflectorLogic(resource, run, { ...runtime, log });
    system.always({ id, logic, quietLimit: { quietMsMax } });
    return store;
  };
  const kuik = new Map(
    kinds.map(({ kind, plural }) => {
      const path = resourcePath({ group: apiGroup, version: apiVersionName, plural });
      const slim = (object: ListedObject) => slimResource(kind, object);
      const reading = { path, slim, pageObjects: pageResources };
      return [kind, watch(plural, isMirror(kind) ? { ...reading, ...promptly } : reading)];
    }),
  );
  const interner = createInterner();
  const pods = watch('pods', {
    path: '/api/v1/pods',
    slim: (object) => slimPod(object, interner),
    pageObjects: pagePods,
  });
  const nodes =
    platforms !== 'all'
      ? watch('nodes', {
          path: '/api/v1/nodes',
          slim: (object) => slimNode(object, interner),
          pageObjects: pageNodes,
        })
      : createStore<SlimNode>();
  const isRead = (resource: string, { isSynced }: Store<unknown>) =>
    isSynced() || (resource === 'nodes' && interrupted.has(resource));
  return {
    ...{ kuik, pods, nodes },
    architectures: nodeArchitectures(nodes),
    synced: () =>
      Object.fromEntries(
        [...stores].map(([resource, store]) => [resource, isRead(resource, store)]),
      ),
  };
}
