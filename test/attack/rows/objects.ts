import type { AttackRow } from '#test/attack/attack-row.ts';
import { type AttackStage, equalPlaces, podOf } from '#test/attack/attack-stage.ts';
import { createManyPods } from '#test/support/api-server/many-pods.ts';
import { startOperator } from '#test/support/operator/operator-process.ts';
import { eventually } from '#test/support/time/eventually.ts';

/** Below the 1.5 MiB that etcd takes; as JSON it has six times as many characters. */
const largeValue = '<'.repeat(1_450_000);
/** So many large objects are enough for whatever a watch keeps. */
const largeObjectsMax = 120;

/** What whoever may create objects in one namespace can have the operator read. */
export const objectRows: readonly AttackRow[] = [
  {
    ...{ id: 'A1', attack: 'Pods with an env value of 1.45 MB of "<"', who: 'Pod author' },
    isLarge: true,
    run: async (stage, times) => {
      const { admin, adminKubeconfig, namespace, operator } = stage;
      const env = [{ name: 'LARGE', value: largeValue }];
      for (let index = 0; index < Math.min(18 * times, largeObjectsMax); index += 1) {
        const spec = { containers: [{ name: 'app', image: 'app:1', env }] };
        await admin.create(`/api/v1/namespaces/${namespace}/pods`, {
          ...{ apiVersion: 'v1', kind: 'Pod', metadata: { generateName: 'large-' }, spec },
        });
      }
      const watching = 'kube_image_keeper_reflector_phase{resource="pods",phase="Watching"} 1';
      const problems = (await stage.metrics()).includes(watching) ? [] : ['Pods are not watched'];
      try {
        await (await startOperator({ adminKubeconfig, replicaOf: operator })).kill();
      } catch {
        problems.push('an operator that starts does not get ready');
      }
      return problems;
    },
  },
  {
    ...{
      id: 'A5a',
      attack: 'six sets and six mirrors over a Pod of 3 containers',
      who: 'one namespace',
    },
    run: async (stage, times) => {
      const hosts = stage.hostile.map(({ host }) => host);
      const upstreams = Array.from({ length: 32 }, (_, index) => ({
        ...{
          registry: hosts[index % hosts.length],
          path: index === 0 ? '/many' : `/many-${index}`,
        },
        imageFilter: { include: ['/many.*/.+'] },
      }));
      const mirrors = Array.from({ length: 64 }, (_, index) => ({
        ...{ registry: hosts[index % hosts.length], path: `/copies-${index}` },
      }));
      for (let index = 0; index < Math.min(6 * times, 60); index += 1) {
        await stage.declare('ReplicatedImageSet', `${stage.namespace}/many-${index}`, {
          upstreams,
        });
        const spec = { imageFilter: { include: ['.+'] }, mirrors };
        await stage.declare('ImageSetMirror', `${stage.namespace}/many-${index}`, spec);
      }
      return await within(3_500, stage, podOf([1, 2, 3].map((n) => `${hosts[0]}/many/app:${n}`)));
    },
  },
  {
    ...{
      id: 'A5b',
      attack: 'a Secret of 0.5 MB named by twenty sets, touched',
      who: 'one namespace',
    },
    run: async (stage, times) => {
      const { admin, namespace } = stage;
      const auths = Object.fromEntries(manyKeys(6_000, 'lent'));
      await stage.pullSecret('wide', auths);
      for (let index = 0; index < Math.min(20 * times, 200); index += 1) {
        const given = { credentialSecret: { name: 'wide' } };
        const spec = equalPlaces(
          `/wide-${index}`,
          stage.hostile.slice(0, 2).map(({ host }) => host),
          given,
        );
        await stage.declare('ReplicatedImageSet', `${namespace}/wide-${index}`, spec);
      }
      for (let touch = 0; touch < 3; touch += 1) {
        const metadata = { labels: { touched: String(touch) } };
        await admin.merge(`/api/v1/namespaces/${namespace}/secrets/wide`, { metadata });
      }
      return [];
    },
  },
  {
    ...{ id: 'A5c', attack: '12 pull secrets of 15,000 keys', who: 'Pod author' },
    run: async (stage, times) => {
      const names = Array.from(
        { length: Math.min(12 * times, 120) },
        (_, index) => `keys-${index}`,
      );
      const [host = ''] = stage.hostile.map((registry) => registry.host);
      for (const name of names)
        await stage.pullSecret(name, Object.fromEntries(manyKeys(15_000, name)));
      await declareTwo(stage, '/keys');
      const imagePullSecrets = names.map((name) => ({ name }));
      return await within(3_500, stage, podOf([`${host}/keys/app:1`], { imagePullSecrets }));
    },
  },
  {
    ...{ id: 'A5d', attack: '1,024 patterns of (?i)\\pL', who: 'one namespace' },
    run: async (stage, times) => {
      const include = Array.from({ length: 16 }, (_, n) => `(?i)${'\\pL'.repeat(30)}${n}.*`);
      const [host = ''] = stage.hostile.map((registry) => registry.host);
      const upstreams = Array.from({ length: 32 }, (_, index) => ({
        ...{ registry: host, path: `/letters-${index}`, imageFilter: { include } },
      }));
      for (let index = 0; index < Math.min(2 * times, 20); index += 1) {
        await stage.declare('ReplicatedImageSet', `${stage.namespace}/letters-${index}`, {
          upstreams,
        });
      }
      return await within(3_500, stage, podOf([`${host}/letters-1/app:1`]));
    },
  },
  {
    ...{ id: 'A5e', attack: 'a Pod of 3,000 images', who: 'Pod author' },
    run: async (stage, times) => {
      const [host = ''] = stage.hostile.map((registry) => registry.host);
      await declareTwo(stage, '/lot');
      const count = Math.min(3_000 * times, 15_000);
      const images = Array.from({ length: count }, (_, n) => `${host}/lot/app-${n}:1`);
      return await within(3_500, stage, podOf(images));
    },
  },
  {
    ...{ id: 'A7b', attack: '50 MB of annotations on Pods', who: 'Pod author' },
    run: async ({ admin, namespace }, times) => {
      const note = 'x'.repeat(250_000);
      for (let index = 0; index < Math.min(200 * times, 1_000); index += 1) {
        const metadata = { generateName: 'noted-', annotations: { [`note-${index}`]: note } };
        const spec = { containers: [{ name: 'app', image: 'app:1' }] };
        const pod = { apiVersion: 'v1', kind: 'Pod', metadata, spec };
        await admin.create(`/api/v1/namespaces/${namespace}/pods`, pod);
      }
      return [];
    },
  },
  {
    ...{ id: 'A15', attack: '400 new images of one namespace to be checked', who: 'Pod author' },
    config: { monitoring: { registries: { default: { interval: '1m', maxPerInterval: 120 } } } },
    run: async (stage, times) => {
      const [host = ''] = stage.healthy.map((registry) => registry.host);
      const spec = { imageFilter: { include: [`${host}/.+`] } };
      await stage.declare('ClusterImageSetAvailability', 'all', spec);
      const pods = Math.min(20 * times, 100);
      const imagesOf = (pod: number) =>
        Array.from({ length: 20 }, (_, n) => `${host}/flood/app-${pod}-${n}:1`);
      await createManyPods(stage.admin, { namespace: stage.namespace, pods, images: 1, imagesOf });
      const image = `${host}/waiting/app:1`;
      await stage.admin.create('/api/v1/namespaces/default/pods', {
        ...(podOf([image]) as { spec: object }),
      });
      const checked = async () => {
        const answer = await fetch(`${stage.operator.metricsUrl}/status/images`);
        const { items } = (await answer.json()) as { items: { image: string; status: string }[] };
        return items.some((item) => item.image === image && item.status === 'Available');
      };
      try {
        await eventually('the image of another namespace is checked', checked, {
          withinMs: 15_000,
        });
        return [];
      } catch {
        return ['the image of another namespace was not checked within 15 s'];
      }
    },
  },
];

function manyKeys(count: number, name: string): [string, object][] {
  return Array.from({ length: count }, (_, n) => [`${name}-${n}.example.com`, { auth: 'YTpi' }]);
}

async function declareTwo(stage: AttackStage, path: string): Promise<void> {
  const hosts = stage.hostile.slice(0, 2).map(({ host }) => host);
  const spec = equalPlaces(path, hosts);
  await stage.declare('ReplicatedImageSet', `${stage.namespace}${path}`, spec);
}

/** A review of one's own may be late, but is answered before its deadline. */
async function within(ms: number, stage: AttackStage, pod: object): Promise<readonly string[]> {
  const answer = await stage.review(pod);
  return answer.ms <= ms ? [] : [`the attacker's own review took ${Math.round(answer.ms)} ms`];
}
