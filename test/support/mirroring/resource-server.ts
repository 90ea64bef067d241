import { type KuikKind, type KuikResource, kinds, pluralOf } from '#api/kinds.ts';
import { fail, type Result, succeed } from '#core/result.ts';
import type { ApiCall } from '#kube/client.ts';
import type { ApiFailure } from '#kube/failures.ts';
import type { SlimPod } from '#kube/slim-pod.ts';
import type { createStore, Store } from '#kube/store.ts';

/** The stores of the five kinds. */
export type KuikStores = ReadonlyMap<KuikKind, ReturnType<typeof createStore<KuikResource>>>;

/**
 * Statuses, finalizers and a list of Pods over stores in memory, for tests on simulated time. What the
 * API server itself does is tested on the API server.
 */
export function createResourceServer(stores: KuikStores, pods: Store<SlimPod>) {
  const written: ApiCall[] = [];
  const refused = new Set<string>();
  const find = (path: string) => {
    const [, namespace] = /\/namespaces\/([^/]+)\//.exec(path) ?? [];
    const [, plural = '', name, sub] =
      /\/([a-z]+(?:sets|mirrors|availabilities))(?:\/([^/]+))?(\/status)?$/.exec(path) ?? [];
    const kind = kinds.find((one) => one.plural === plural)?.kind;
    const key = namespace === undefined ? name : `${namespace}/${name}`;
    return { store: kind && stores.get(kind), namespace, key, isStatus: sub !== undefined };
  };
  const list = (path: string): readonly KuikResource[] => {
    const { store, namespace } = find(path);
    const all = [...(store?.values() ?? [])];
    return all.filter(({ metadata }) => metadata.namespace === namespace);
  };
  const patch = (path: string, body: unknown): void => {
    const { store, key = '', isStatus } = find(path);
    const present = store?.get(key);
    if (store === undefined || present === undefined) return;
    const changed = isStatus
      ? { ...present, status: (body as { readonly status: object }).status }
      : withFinalizers(present, body);
    const { deletionTimestamp, finalizers = [] } = changed.metadata;
    const isGone = deletionTimestamp !== undefined && finalizers.length === 0;
    if (isGone) store.remove(key);
    else store.put(key, changed as KuikResource);
  };
  return {
    ...{ written, refused },
    /** Answers one call. */
    call: async ({ method, path, body }: ApiCall): Promise<Result<unknown, ApiFailure>> => {
      if (path === '/api/v1/pods') return succeed({ metadata: {}, items: rawPods(pods) });
      if (path.endsWith('/configmaps')) return succeed({ metadata: {}, items: [] });
      if (method === 'GET') return succeed({ items: list(path) });
      written.push({ method, path, body });
      if (refused.has(path)) return fail(refusal);
      if (method === 'PATCH') patch(path, body);
      return succeed({});
    },
  };
}

const refusal = { kind: 'connection', message: 'refused' } as unknown as ApiFailure;

function withFinalizers(present: KuikResource, body: unknown): KuikResource {
  const steps = body as readonly { readonly op: string; readonly value: readonly string[] }[];
  const finalizers = steps.find(({ op }) => op === 'add')?.value ?? [];
  return { ...present, metadata: { ...present.metadata, finalizers } } as KuikResource;
}

function rawPods(pods: Store<SlimPod>): readonly object[] {
  return [...pods.values()].map(({ namespace, name, annotations, images, phase }) => ({
    metadata: { namespace, name, annotations },
    spec: { containers: Object.entries(images).map(([key, image]) => ({ name: key, image })) },
    status: { phase },
  }));
}

/** Where the status of a resource is written. */
export function statusPath(kind: KuikKind, name: string): string {
  const [own, namespace] = name.split('/').toReversed();
  const within = namespace === undefined ? '' : `/namespaces/${namespace}`;
  return `/apis/kuik.enix.io/v1alpha1${within}/${pluralOf(kind)}/${own}/status`;
}
