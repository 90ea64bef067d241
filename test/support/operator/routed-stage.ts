import { createNamespace, removeNamespace } from '#test/support/api-server/namespace.ts';
import { admin } from '#test/support/api-server/plane.ts';
import { pushImage } from '#test/support/registries/images.ts';
import { storePullSecret } from '#test/support/registries/pull-secret.ts';
import { startRegistry } from '#test/support/registries/registry.ts';
import { registryPassword } from '#test/support/registries/registry-request.ts';
import { eventually } from '#test/support/time/eventually.ts';
import { createPod, oneContainer } from './created-pod.ts';
import { type CommandRun, runKuik } from './kuik-command.ts';
import type { OperatorProcess } from './operator-process.ts';

// biome-ignore lint/suspicious/noExplicitAny: tests assert on JSON whose shape is what they test.
type Json = any;

/**
 * What a running operator routes by: one set over an open and a guarded registry, for
 * Pods of one namespace with the label app=web. The image is on the guarded one alone.
 */
export interface RoutedStage {
  readonly namespace: string;
  /** On the open registry, where it is not. */
  readonly image: string;
  /** On the guarded registry, where it is. */
  readonly equal: string;
  readonly hosts: { readonly open: string; readonly guarded: string };
  /** The resource that declares them equal. */
  readonly by: string;
  readonly routePath: string;
  readonly get: (path: string) => Promise<{ readonly status: number; readonly text: string }>;
  readonly json: (path: string) => Promise<Json>;
  /** The decision, once the operator's watch has brought the set. */
  readonly routed: () => Promise<Json>;
  readonly explain: (...args: readonly string[]) => Promise<CommandRun>;
  /** A Pod of that namespace, label and image, as the API server stored it. */
  readonly createPod: (spec?: object) => Promise<Json>;
  /** Everything that asking could have changed, with its resourceVersions. */
  readonly world: () => Promise<string>;
  readonly close: () => Promise<void>;
}

const sets = '/apis/kuik.enix.io/v1alpha1/clusterreplicatedimagesets';

/** Sets it up for an operator, named so that two of them do not meet. */
export async function startRoutedStage(operator: OperatorProcess): Promise<RoutedStage> {
  const [open, guarded, namespace] = await Promise.all([
    startRegistry(),
    startRegistry({ users: ['alice'] }),
    createNamespace(admin()),
  ]);
  await pushImage(guarded, 'team/app:1');
  const auths = { [guarded.host]: { username: 'alice', password: registryPassword } };
  await storePullSecret({ namespace: operator.namespace, name: 'pull' }, { auths });
  await createSet({ name: namespace, namespace, secretNamespace: operator.namespace }, [
    open.host,
    guarded.host,
  ]);
  const image = `${open.host}/team/app:1`;
  const routePath = `/debug/route?image=${image}&namespace=${namespace}&labels=app%3Dweb`;
  const get: RoutedStage['get'] = async (path) => {
    const answer = await fetch(`${operator.debugUrl}${path}`);
    return { status: answer.status, text: await answer.text() };
  };
  const json = async (path: string) => JSON.parse((await get(path)).text);
  return {
    ...{ namespace, image, routePath, get, json },
    equal: `${guarded.host}/team/app:1`,
    hosts: { open: open.host, guarded: guarded.host },
    by: `ClusterReplicatedImageSet/${namespace}`,
    routed: async () =>
      await eventually('the set is routed by', async () => {
        const decision = await json(routePath);
        return decision.candidates.length === 2 && decision;
      }),
    explain: async (...args) =>
      await runKuik(['explain', ...args], { KUIK_DEBUG_URL: operator.debugUrl }),
    createPod: async (spec = {}) => {
      const labels = { app: 'web' };
      const full = { ...oneContainer(image), ...spec };
      return (await createPod(namespace, full, { metadata: { labels } })).pod;
    },
    world: () => readWorld(namespace, operator.namespace),
    close: async () => {
      await admin().remove(`${sets}/${namespace}`);
      await Promise.all([open.remove(), guarded.remove(), removeNamespace(admin(), namespace)]);
    },
  };
}

async function createSet(
  where: { readonly name: string; readonly namespace: string; readonly secretNamespace: string },
  [open, guarded]: readonly [string, string],
): Promise<void> {
  const imageFilter = { include: ['/team/.+'] };
  const credentialSecret = { name: 'pull', namespace: where.secretNamespace };
  await admin().create(sets, {
    apiVersion: 'kuik.enix.io/v1alpha1',
    kind: 'ClusterReplicatedImageSet',
    metadata: { name: where.name },
    spec: {
      namespaceFilter: { include: [where.namespace] },
      podFilter: { labels: { include: ['app=web'] } },
      upstreams: [
        { registry: open, imageFilter },
        { registry: guarded, imageFilter, credentialSecret },
      ],
    },
  });
}

async function readWorld(namespace: string, operatorNamespace: string): Promise<string> {
  const paths = [
    `/api/v1/namespaces/${namespace}/secrets`,
    `/api/v1/namespaces/${operatorNamespace}/secrets`,
    `/api/v1/namespaces/${namespace}/pods`,
  ];
  const lists = await Promise.all(paths.map((path) => admin().get(path)));
  return JSON.stringify(lists.map(({ items }) => items));
}
