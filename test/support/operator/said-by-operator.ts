import type { Api } from '#test/support/api-server/api.ts';
import { keepSaid, keepSecretObject, keptVariable } from '#test/support/runner/kept-secrets.ts';
import type { OperatorProcess } from './operator-process.ts';

/** Actors whose whole answer is kept: some of each kind are among them. */
const actorsMax = 100;
/** Pods whose story is kept: each asks registries. */
const podsMax = 5;
const kinds = [
  ...['clusterimagesetavailabilities', 'clusterimagesetmirrors', 'clusterreplicatedimagesets'],
  ...['imagesetmirrors', 'replicatedimagesets'],
];

interface PodName {
  readonly namespace: string;
  readonly name: string;
}

type Asked = Pick<OperatorProcess, 'metricsUrl' | 'debugUrl' | 'namespace'>;

/**
 * Keeps what a running operator answers on its plain ports, its events and what it wrote into
 * statuses, so that the run looks for secrets in it at its end.
 */
export async function keepSaidBy(admin: Api, { metricsUrl, debugUrl, namespace }: Asked) {
  if (process.env[keptVariable] === undefined) return;
  const secrets = await admin.get(`/api/v1/namespaces/${namespace}/secrets`).catch(() => undefined);
  for (const secret of secrets?.items ?? []) keepSecretObject(secret);
  const list = await keepAnswer('debug', `${debugUrl}/debug/actors?limit=${actorsMax}`);
  const { actors = [] } = JSON.parse(list || '{}') as { readonly actors?: { id: string }[] };
  const listed = await keepAnswer('debug', `${debugUrl}/debug/pods?limit=${podsMax}`);
  const { pods = [] } = JSON.parse(listed || '{}') as { readonly pods?: PodName[] };
  const paths = [
    ...['overview', 'map', 'timeline', 'decisions'],
    ...actors.map(({ id }) => `actors/${encodeURIComponent(id)}`),
    ...pods.map(({ namespace: place, name }) => `pods/${place}/${name}`),
  ].map((path) => `${debugUrl}/debug/${path}`);
  await Promise.all([
    keepAnswer('metrics', `${metricsUrl}/metrics`),
    keepAnswer('status', `${metricsUrl}/status/images`),
    keepAnswer('status', `${metricsUrl}/status/mirroring`),
    ...paths.map((path) => keepAnswer('debug', path)),
    keepObjects(admin, ''),
  ]);
}

/** Keeps the events of a namespace, or of all, and the resources with their statuses. */
export async function keepObjects(admin: Api, namespace: string): Promise<void> {
  if (process.env[keptVariable] === undefined) return;
  const within = namespace === '' ? '' : `/namespaces/${namespace}`;
  const shown = namespace === '' ? kinds : kinds.filter((kind) => !kind.startsWith('cluster'));
  const paths = [
    `/apis/events.k8s.io/v1${within}/events`,
    ...shown.map((kind) => `/apis/kuik.enix.io/v1alpha1${within}/${kind}`),
  ];
  await Promise.all(
    paths.map(async (path) => {
      const { body } = await admin.call('GET', path).catch(() => ({ body: '' }));
      keepSaid('objects', JSON.stringify(body));
    }),
  );
}

async function keepAnswer(where: string, url: string): Promise<string> {
  try {
    const text = await (await fetch(url, { signal: AbortSignal.timeout(2_000) })).text();
    keepSaid(where, text);
    return text;
  } catch {
    // It has been killed, or was never there.
    return '';
  }
}
