import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { eventually } from '#test/support/eventually.ts';
import { pushImage } from '#test/support/images.ts';
import { type OperatorProcess, startOperator } from '#test/support/operator-process.ts';
import { admin, adminKubeconfig, freshNamespace } from '#test/support/plane.ts';
import { startRegistry, type TestRegistry } from '#test/support/registry.ts';
import { registryPassword } from '#test/support/registry-request.ts';

/** What is tracked, and what its checks come to, on a real API server and real registries. */
let operator: OperatorProcess;
let open: TestRegistry;
let closed: TestRegistry;

beforeAll(async () => {
  [open, closed, operator] = await Promise.all([
    startRegistry(),
    startRegistry({ users: ['alice', 'bob'] }),
    startOperator({
      adminKubeconfig: adminKubeconfig(),
      config: {
        monitoring: { registries: { default: { interval: '1s', maxPerInterval: 10 } } },
      },
    }),
  ]);
  await pushImage(open, 'team/app:1');
  await pushImage(closed, 'team/private:1');
});

afterAll(async () => {
  await operator?.stop();
  await Promise.all([open?.remove(), closed?.remove()]);
});

const availabilities = '/apis/kuik.enix.io/v1alpha1/clusterimagesetavailabilities';

async function declare(name: string, spec: object): Promise<void> {
  await admin().create(availabilities, {
    apiVersion: 'kuik.enix.io/v1alpha1',
    kind: 'ClusterImageSetAvailability',
    metadata: { name },
    spec,
  });
  onTestFinished(() => admin().remove(`${availabilities}/${name}`));
}

/** All images of the Pods of one namespace. */
const allOf = (namespace: string, more: object = {}) => ({
  imageFilter: { include: ['.*'] },
  namespaceFilter: { include: [namespace] },
  ...more,
});

async function createPod(namespace: string, name: string, image: string, more: object = {}) {
  const { metadata = {}, ...spec } = more as { metadata?: object };
  await admin().create(`/api/v1/namespaces/${namespace}/pods`, {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, ...metadata },
    spec: { containers: [{ name: 'app', image }], ...spec },
  });
}

async function createSecret(namespace: string, name: string, password: string): Promise<void> {
  const auths = { [closed.host]: { username: 'alice', password } };
  const config = Buffer.from(JSON.stringify({ auths })).toString('base64');
  await admin().apply(`/api/v1/namespaces/${namespace}/secrets/${name}`, {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { name, namespace },
    type: 'kubernetes.io/dockerconfigjson',
    data: { '.dockerconfigjson': config },
  });
}

interface Row {
  readonly id: string;
  readonly state: readonly string[];
}

/** Image → its states, of one resource. */
async function trackedBy(resource: string): Promise<Record<string, string>> {
  const query = new URLSearchParams({ type: 'tracked-image', q: `:${resource}/`, limit: '200' });
  const answer = await fetch(`${operator.debugUrl}/debug/actors?${query}`);
  const { actors } = (await answer.json()) as { actors: Row[] };
  const prefix = `tracked-image:${resource}/`;
  return Object.fromEntries(
    actors.map(({ id, state }) => [id.slice(prefix.length), state.join(' ')]),
  );
}

interface Picture extends Row {
  readonly context: { readonly tracked: Record<string, unknown> };
}

async function pictureOf(resource: string, image: string): Promise<Picture['context']['tracked']> {
  const id = encodeURIComponent(`tracked-image:${resource}/${image}`);
  const answer = await fetch(`${operator.debugUrl}/debug/actors/${id}`);
  return ((await answer.json()) as Picture).context.tracked;
}

async function becomes(resource: string, image: string, states: string): Promise<void> {
  await eventually(`${image} of ${resource} is ${states}`, async () => {
    expect((await trackedBy(resource))[image]).toBe(states);
    return true;
  });
}

const isUsed = (status: string) => `availability.${status} usage.Used`;

describe('an image that Pods use', () => {
  test('is tracked, and checked: there, or not', async () => {
    const namespace = await freshNamespace();
    await createPod(namespace, 'there', `${open.host}/team/app:1`);
    await createPod(namespace, 'gone', `${open.host}/team/nowhere:1`);
    await declare(namespace, allOf(namespace));
    await becomes(namespace, `${open.host}/team/app:1`, isUsed('Available'));
    await becomes(namespace, `${open.host}/team/nowhere:1`, isUsed('NotFound'));
    const tracked = await pictureOf(namespace, `${open.host}/team/nowhere:1`);
    expect(tracked).toMatchObject({ status: 'NotFound', original: true });
    expect(tracked['lastMonitorMs']).toBeGreaterThan(Date.now() - 60_000);
  });

  test('is unused when its last Pod has gone, for ever where nothing expires', async () => {
    const namespace = await freshNamespace();
    const image = `${open.host}/team/app:1`;
    await createPod(namespace, 'pod', image);
    await declare(`${namespace}-keeps`, allOf(namespace, { unusedImageExpiry: '0' }));
    await declare(`${namespace}-expires`, allOf(namespace, { unusedImageExpiry: '2s' }));
    await becomes(`${namespace}-keeps`, image, isUsed('Available'));
    await becomes(`${namespace}-expires`, image, isUsed('Available'));
    await admin().call('DELETE', `/api/v1/namespaces/${namespace}/pods/pod`, {
      query: { gracePeriodSeconds: '0' },
    });
    await becomes(`${namespace}-keeps`, image, 'availability.Available usage.Unused');
    await eventually('it has expired', async () => {
      expect(await trackedBy(`${namespace}-expires`)).toEqual({});
      return true;
    });
    expect(Object.keys(await trackedBy(`${namespace}-keeps`))).toEqual([image]);
  });

  test('is dropped at once when the filter is narrowed', async () => {
    const namespace = await freshNamespace();
    const [kept, dropped] = [`${open.host}/team/app:1`, `${open.host}/team/nowhere:1`];
    await createPod(namespace, 'kept', kept);
    await createPod(namespace, 'dropped', dropped);
    await declare(namespace, allOf(namespace));
    await becomes(namespace, kept, isUsed('Available'));
    await becomes(namespace, dropped, isUsed('NotFound'));
    await admin().merge(`${availabilities}/${namespace}`, {
      spec: { imageFilter: { include: ['.*/team/app:.*'] } },
    });
    await eventually('only one is tracked', async () => {
      expect(Object.keys(await trackedBy(namespace))).toEqual([kept]);
      return true;
    });
  });

  test('of a rewritten Pod keeps its original tracked, and says which is which', async () => {
    const namespace = await freshNamespace();
    const [original, now] = ['quay.io/team/app:1', `${open.host}/team/app:1`];
    await createPod(namespace, 'rewritten', now, {
      metadata: {
        annotations: { 'kuik.enix.io/original-images': JSON.stringify({ app: original }) },
      },
    });
    await declare(namespace, {
      ...allOf(namespace),
      imageFilter: { include: [`${open.host}/.*`, original] },
    });
    await becomes(namespace, now, isUsed('Available'));
    expect(await pictureOf(namespace, now)).toMatchObject({ original: false });
    expect(await pictureOf(namespace, original)).toMatchObject({ original: true });
  });
});

describe('a private image', () => {
  test('has for each resource the answer that its own pull secrets get', async () => {
    const [right, wrong] = [await freshNamespace(), await freshNamespace()];
    const image = `${closed.host}/team/private:1`;
    await createSecret(right, 'pull', registryPassword);
    await createSecret(wrong, 'pull', 'not the password');
    for (const namespace of [right, wrong]) {
      await createPod(namespace, 'pod', image, { imagePullSecrets: [{ name: 'pull' }] });
      await declare(namespace, allOf(namespace));
    }
    await becomes(right, image, isUsed('Available'));
    await becomes(wrong, image, isUsed('InvalidAuth'));
    await createSecret(wrong, 'pull', registryPassword);
    await becomes(wrong, image, isUsed('Available'));
  });

  test('says that its Secret is missing, until there is one', async () => {
    const namespace = await freshNamespace();
    const image = `${closed.host}/team/private:1`;
    await createPod(namespace, 'pod', image, { imagePullSecrets: [{ name: 'later' }] });
    await declare(namespace, allOf(namespace));
    await becomes(namespace, image, isUsed('UnavailableSecret'));
    expect(await pictureOf(namespace, image)).toMatchObject({
      lastError: expect.stringContaining(`Secret ${namespace}/later is missing`),
    });
    await createSecret(namespace, 'later', registryPassword);
    await becomes(namespace, image, isUsed('Available'));
  });
});
