import { onTestFinished } from 'vitest';
import { createKubeClient, type KubeClient } from '#kube/client.ts';
import { loadKubeConfig } from '#kube/kube-config.ts';
import { type ReflectorOptions, runReflector } from '#kube/reflector.ts';
import { createStore, type Store, type StoreChange } from '#kube/store.ts';
import { type ApiProxy, startApiProxy } from './api-proxy.ts';
import { admin, adminKubeconfig, freshNamespace } from './plane.ts';

/** What a test keeps of a ConfigMap: which write of it this is, and what it said. */
export interface SlimMap {
  readonly version: string;
  readonly value: string;
}

/** A reflector of one namespace's ConfigMaps that reaches the API server through a proxy. */
export interface WatchStage {
  readonly proxy: ApiProxy;
  readonly namespace: string;
  readonly store: Store<SlimMap>;
  /** All that the store told, but for the ConfigMap that every namespace has. */
  readonly told: readonly StoreChange<SlimMap>[];
  /** The phases that the reflector entered, and when, on the monotonic clock. */
  readonly phases: readonly { readonly phase: string; readonly detail: string; atMs: number }[];
  /** The same of one name, as the store has it. */
  readonly valueOf: (name: string) => string | undefined;
  readonly create: (name: string, value?: string) => Promise<string>;
  readonly change: (name: string, value: string) => Promise<string>;
  readonly remove: (name: string) => Promise<void>;
  /** What the API server itself says is there. */
  readonly listed: () => Promise<ReadonlyMap<string, SlimMap>>;
}

/** Starts one; it is over with the test. */
export async function startWatchStage(
  options: Partial<
    Pick<ReflectorOptions<SlimMap>, 'silenceMs' | 'slim' | 'onUnfit' | 'pageObjects'>
  > & {
    /** Before the reflector runs. */
    readonly prepare?: (stage: Omit<WatchStage, 'store'>) => Promise<void>;
  } = {},
): Promise<WatchStage> {
  const { prepare, ...more } = options;
  const proxy = await proxyToPlane();
  const namespace = await freshNamespace('watch');
  const path = `/api/v1/namespaces/${namespace}/configmaps`;
  const store = createStore<SlimMap>();
  const told: StoreChange<SlimMap>[] = [];
  const phases: { phase: string; detail: string; atMs: number }[] = [];
  store.subscribe((change) => {
    if (!change.key.endsWith('/kube-root-ca.crt')) told.push(change);
  });
  const stage: WatchStage = {
    ...{ proxy, namespace, store, told, phases },
    valueOf: (name) => store.get(`${namespace}/${name}`)?.value,
    create: async (name, value = '1') =>
      versionOf(await admin().create(path, configMap(name, value))),
    change: async (name, value) =>
      versionOf(await admin().merge(`${path}/${name}`, { data: { value } })),
    remove: (name) => admin().remove(`${path}/${name}`),
    listed: async () => {
      const { items } = await admin().get(path);
      return new Map(
        items.map((item: Listed) => [`${namespace}/${item.metadata.name}`, slim(item)]),
      );
    },
  };
  await prepare?.(stage);
  const stop = new AbortController();
  const running = runReflector(
    {
      client: await proxiedClient(proxy),
      path,
      store,
      slim: (object) => slim(object as unknown as Listed),
      // Short waits: what is tested is that there are some, and what comes after them.
      random: () => 0.1,
      onPhase: (phase, detail) => {
        // Said again while it goes on, as a sign of life.
        const last = phases.at(-1);
        if (last?.phase === phase && last.detail === detail) return;
        phases.push({ phase, detail, atMs: performance.now() });
      },
      ...more,
    },
    stop.signal,
  );
  onTestFinished(async () => {
    stop.abort();
    await running;
  });
  await store.synced;
  return stage;
}

/** A proxy before this run's API server; it is over with the test. */
export async function proxyToPlane(): Promise<ApiProxy> {
  const { server, authorityPem } = admin();
  const proxy = await startApiProxy({ server, authorityPem });
  onTestFinished(proxy.close);
  return proxy;
}

/** The operator's own client, with every right, through the proxy; closed with the test. */
export async function proxiedClient(proxy: ApiProxy): Promise<KubeClient> {
  const access = await loadKubeConfig({ kubeconfig: adminKubeconfig(), environment: {} });
  if (!access.ok) throw new Error(access.error.message);
  const { server, authorityPem: ca } = proxy;
  const through = { ...access.value, server, transport: async () => ({ ca }) };
  const client = createKubeClient({ access: through });
  onTestFinished(client.close);
  return client;
}

interface Listed {
  readonly metadata: { readonly name: string; readonly resourceVersion: string };
  readonly data?: { readonly value?: string };
}

function slim({ metadata, data }: Listed): SlimMap {
  return { version: metadata.resourceVersion, value: data?.value ?? '' };
}

function configMap(name: string, value: string): object {
  return { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name }, data: { value } };
}

function versionOf(answer: { readonly body: Listed }): string {
  return answer.body.metadata.resourceVersion;
}
