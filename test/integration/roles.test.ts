import { afterAll, beforeAll, expect, test } from 'vitest';
import { eventsOf } from '#test/support/api-server/events.ts';
import { admin, freshNamespace } from '#test/support/api-server/plane.ts';
import {
  becomes,
  createPod as createMirrored,
  deletePod,
  entryOf,
  mirrorTo,
} from '#test/support/mirroring/mirror-resource.ts';
import {
  type AdmissionStage,
  startAdmissionStage,
} from '#test/support/operator/admission-stage.ts';
import { annotationsOf, createPod, oneContainer } from '#test/support/operator/created-pod.ts';
import { pushImage } from '#test/support/registries/images.ts';
import { storePullSecret } from '#test/support/registries/pull-secret.ts';
import { startRegistry, type TestRegistry } from '#test/support/registries/registry.ts';
import { registryPassword } from '#test/support/registries/registry-request.ts';
import { eventually } from '#test/support/time/eventually.ts';

/**
 * One operator, as the shipped ServiceAccount under the chart's roles and policies, goes through all
 * that asks the API server for something.
 */
let stage: AdmissionStage;
let locked: TestRegistry;
let open: TestRegistry;

beforeAll(async () => {
  [locked, open] = await Promise.all([startRegistry({ users: ['robot'] }), startRegistry()]);
  const registries = { [locked.host]: {}, [open.host]: {} };
  stage = await startAdmissionStage({ config: { registries }, rights: { policy: {} } });
  await pushImage(locked, 'team/app:1');
});
afterAll(async () => {
  await stage?.stop();
  await Promise.all([locked?.remove(), open?.remove()]);
});

const encode = (object: object) => Buffer.from(JSON.stringify(object)).toString('base64');

/** Not found by name: no registry answers there. */
const away = 'registry.invalid';

async function declareSet(namespace: string, locks: object) {
  const imageFilter = { include: ['.+'] };
  await stage.declare('ReplicatedImageSet', {
    ...{ name: 'equal', namespace },
    spec: {
      upstreams: [
        { registry: away, path: '/team', imageFilter },
        { registry: locked.host, path: '/team', ...locks },
      ],
    },
  });
  await stage.proposed(namespace, `${away}/team/x:1`, `${locked.host}/team/x:1`);
}

test('a Pod is rewritten and told so, with a copied Secret where its set has one of elsewhere', async () => {
  const [vault, namespace] = [await freshNamespace('vault'), await freshNamespace()];
  const auths = { [locked.host]: { username: 'robot', password: registryPassword } };
  await storePullSecret({ namespace: vault, name: 'pull' }, { auths });
  const imageFilter = { include: ['.+'] };
  await stage.declare('ClusterReplicatedImageSet', {
    name: `equal-${namespace}`,
    spec: {
      namespaceFilter: { include: [namespace] },
      upstreams: [
        { registry: away, path: '/team', imageFilter },
        {
          ...{ registry: locked.host, path: '/team' },
          credentialSecret: { name: 'pull', namespace: vault },
        },
      ],
    },
  });
  await stage.proposed(namespace, `${away}/team/x:1`, `${locked.host}/team/x:1`);
  const created = await createPod(namespace, oneContainer(`${away}/team/app:1`));
  expect(annotationsOf(created.pod).reason).toEqual({ app: 'OriginalUnreachable' });
  const [copy] = created.pod.spec.imagePullSecrets;
  const copyPath = `/api/v1/namespaces/${namespace}/secrets/${copy.name}`;
  expect(await admin().get(copyPath)).toBeDefined();
  await eventually('the Pod is told', async () => {
    const events = await eventsOf(created.pod.metadata.uid, namespace);
    return events.some(({ reason }) => reason === 'Rewritten');
  });
  // The copy follows its source.
  const rotated = { [locked.host]: { username: 'robot', password: 'another' } };
  const data = { '.dockerconfigjson': encode({ auths: rotated }) };
  await admin().merge(`/api/v1/namespaces/${vault}/secrets/pull`, { data });
  await eventually('the copy is renewed', async () => {
    const copied = (await admin().get(copyPath)).data['.dockerconfigjson'];
    return Buffer.from(copied, 'base64').toString().includes('another');
  });
});

test('an owner is told that nothing answered', async () => {
  const namespace = await freshNamespace();
  await declareSet(namespace, {});
  const labels = { app: 'web' };
  const { body } = await admin().create(`/apis/apps/v1/namespaces/${namespace}/replicasets`, {
    ...{ apiVersion: 'apps/v1', kind: 'ReplicaSet', metadata: { name: 'web' } },
    spec: {
      replicas: 1,
      selector: { matchLabels: labels },
      template: { metadata: { labels }, spec: oneContainer(`${away}/team/none:1`) },
    },
  });
  await eventually('the owner is told', async () => {
    const events = await eventsOf(body.metadata.uid, namespace);
    return events.some(({ reason }) => reason === 'NothingAvailable');
  });
});

test('what a status has no room for is kept, and goes with its images', async () => {
  const namespace = await freshNamespace();
  const cisas = '/apis/kuik.enix.io/v1alpha1/clusterimagesetavailabilities';
  const pods = `/api/v1/namespaces/${namespace}/pods`;
  for (let pod = 0; pod < 11; pod += 1) {
    const containers = Array.from({ length: 100 }, (_, index) => ({
      ...{ name: `c${index}`, image: `${away}/many/app-${pod}-${index}:1` },
    }));
    const metadata = { name: `many-${pod}` };
    await admin().create(pods, { apiVersion: 'v1', kind: 'Pod', metadata, spec: { containers } });
  }
  const { body } = await admin().create(cisas, {
    ...{ apiVersion: 'kuik.enix.io/v1alpha1', kind: 'ClusterImageSetAvailability' },
    metadata: { name: namespace },
    spec: {
      ...{ namespaceFilter: { include: [namespace] }, imageFilter: { include: ['.+'] } },
      unusedImageExpiry: '1s',
    },
  });
  const { uid } = body.metadata;
  const overflow = `/api/v1/namespaces/${stage.operator.namespace}/configmaps/kuik-overflow-${uid}`;
  try {
    await eventually('all are counted, and the overflow is there', async () => {
      const { status } = await admin().get(`${cisas}/${namespace}`);
      return status?.imageCount === 1_100 && (await admin().get(overflow)) !== undefined;
    });
    for (let pod = 0; pod < 11; pod += 1) await admin().remove(`${pods}/many-${pod}`);
    const gone = async () => (await admin().get(overflow)) === undefined;
    await eventually('the overflow is gone', gone, { withinMs: 30_000 });
  } finally {
    await admin().remove(`${cisas}/${namespace}`);
  }
});

test('images are copied, cleaned up, and a mirror goes with its copies', {
  timeout: 150_000,
}, async () => {
  const namespace = await freshNamespace();
  const [kept, unused] = [`${open.host}/team/kept:1`, `${open.host}/team/unused:1`];
  await Promise.all([pushImage(open, 'team/kept:1'), pushImage(open, 'team/unused:1')]);
  const cleanup = { cleanup: { enabled: true, retention: '1s' } };
  const path = await mirrorTo(namespace, [{ registry: open.host, path: `/${namespace}` }], cleanup);
  await createMirrored(namespace, kept);
  const pod = await createMirrored(namespace, unused);
  await Promise.all([becomes(path, kept, 'Available'), becomes(path, unused, 'Available')]);
  await deletePod(namespace, pod);
  const slow = { withinMs: 75_000, everyMs: 500 };
  const isForgotten = async () => (await entryOf(path, unused)) === undefined;
  await eventually('the copy that nobody uses is gone', isForgotten, slow);
  // It keeps its finalizer until the copies are gone, or stay.
  await admin().remove(path);
  await eventually('it is gone', async () => (await admin().get(path)) === undefined, slow);
});

test('in all of it the API server refused nothing', async () => {
  const metrics = await (await fetch(`${stage.operator.metricsUrl}/metrics`)).text();
  const requests = metrics.match(/^kube_image_keeper_api_requests_total.*$/gm) ?? [];
  expect(requests.length).toBeGreaterThan(3);
  expect(requests.filter((line) => line.includes('outcome="403"'))).toEqual([]);
});
