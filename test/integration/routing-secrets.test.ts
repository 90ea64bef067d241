import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { type SecretOwner, secretCopyName } from '#actors/secrets/secret-copy.ts';
import { type PlaceSecretRequest, SecretPlacer } from '#actors/secrets/secret-placer.ts';
import { SecretReader } from '#actors/secrets/secret-reader.ts';
import { TimerHeap } from '#actors/timer-heap.ts';
import { createKubeClient, type KubeClient } from '#kube/client.ts';
import { loadKubeConfig } from '#kube/kube-config.ts';
import { admin, adminKubeconfig, freshNamespace } from '#test/support/api-server/plane.ts';
import { eventually } from '#test/support/time/eventually.ts';
import { createTestRuntime } from '#test/support/time/test-runtime.ts';

const soon = (): AbortSignal => AbortSignal.timeout(10_000);
const dockerConfig = '{"auths":{"registry.example.com":{"username":"a","password":"b"}}}';

let client: KubeClient;
let calls: string[] = [];

beforeAll(async () => {
  const access = await loadKubeConfig({ kubeconfig: adminKubeconfig(), environment: {} });
  if (!access.ok) throw new Error(access.error.message);
  const real = createKubeClient({ access: access.value });
  client = {
    ...real,
    call: (call, signal) => {
      calls.push(`${call.method} ${call.path}`);
      return real.call(call, signal);
    },
  };
});
afterAll(async () => {
  await client?.close();
});

/** A Secret of the older or the newer docker type, or any other. */
async function createSecret(
  namespace: string,
  name: string,
  data: Readonly<Record<string, string>> = { '.dockerconfigjson': dockerConfig },
  type = 'kubernetes.io/dockerconfigjson',
): Promise<void> {
  await admin().create(`/api/v1/namespaces/${namespace}/secrets`, {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { name, namespace },
    type,
    stringData: data,
  });
}

describe('reading Secrets', () => {
  function startReader() {
    const clock = new TimerHeap();
    const reader = new SecretReader({ ...createTestRuntime(), clock }, client);
    onTestFinished(() => {
      reader.close();
      clock.close();
    });
    calls = [];
    return reader;
  }

  test('gives the data as text, and reads a Secret once for all who want it at a time', async () => {
    const namespace = await freshNamespace();
    await createSecret(namespace, 'pull');
    const reader = startReader();
    const answers = await Promise.all(
      Array.from({ length: 20 }, () => reader.read({ namespace, name: 'pull' }, soon())),
    );
    for (const answer of [...answers, await reader.read({ namespace, name: 'pull' }, soon())]) {
      expect(answer).toEqual({
        kind: 'found',
        isCopy: false,
        secret: {
          namespace,
          name: 'pull',
          type: 'kubernetes.io/dockerconfigjson',
          data: { '.dockerconfigjson': dockerConfig },
        },
      });
    }
    expect(calls).toEqual([`GET /api/v1/namespaces/${namespace}/secrets/pull`]);
  });

  test('says of one that is not there that it is missing, and finds it a moment after it was made', async () => {
    const namespace = await freshNamespace();
    const reader = startReader();
    expect(await reader.read({ namespace, name: 'late' }, soon())).toEqual({ kind: 'missing' });
    await createSecret(namespace, 'late');
    await eventually('it is found', async () => {
      return (await reader.read({ namespace, name: 'late' }, soon())).kind === 'found';
    });
  });

  test('keeps to one namespace whatever a name contains', async () => {
    const namespace = await freshNamespace();
    const reader = startReader();
    const answer = await reader.read({ namespace, name: '../../secrets?x=' }, soon());
    expect(answer.kind).not.toBe('found');
    expect(calls[0]).toContain(`/namespaces/${namespace}/secrets/..%2F`);
  });

  test('whoever runs out of time gets an answer at once, which is not remembered', async () => {
    const namespace = await freshNamespace();
    await createSecret(namespace, 'pull');
    const reader = startReader();
    const late = await reader.read({ namespace, name: 'pull' }, AbortSignal.abort());
    expect(late.kind).toBe('unreadable');
    expect((await reader.read({ namespace, name: 'pull' }, soon())).kind).toBe('found');
  });
});

describe('placing the copy of a Secret', () => {
  const sets = '/apis/kuik.enix.io/v1alpha1/clusterreplicatedimagesets';
  let owner: SecretOwner;

  // A real one: the garbage collector takes away what belongs to nobody.
  beforeAll(async () => {
    const { body } = await admin().create(sets, {
      apiVersion: 'kuik.enix.io/v1alpha1',
      kind: 'ClusterReplicatedImageSet',
      metadata: { generateName: 'hub-' },
      spec: { upstreams: [{ registry: 'registry.example.com', path: '/team' }] },
    });
    owner = { kind: 'ClusterReplicatedImageSet', ...body.metadata };
  });
  afterAll(async () => {
    await admin().remove(`${sets}/${owner.name}`);
  });

  function startPlacer() {
    const clock = new TimerHeap();
    const placer = new SecretPlacer({ ...createTestRuntime(), clock }, client);
    onTestFinished(() => {
      placer.close();
      clock.close();
    });
    calls = [];
    return placer;
  }

  function requestFor(
    namespace: string,
    over: Partial<PlaceSecretRequest> = {},
  ): PlaceSecretRequest {
    const source = {
      namespace: 'kuik-system',
      name: 'pull',
      type: 'kubernetes.io/dockerconfigjson',
      data: { '.dockerconfigjson': dockerConfig },
    };
    return { owner, source, namespace, dryRun: false, ...over };
  }

  const read = (namespace: string, name: string) =>
    admin().get(`/api/v1/namespaces/${namespace}/secrets/${name}`);

  test('writes it once, under its name, with the labels and the owner that say whose it is', async () => {
    const namespace = await freshNamespace();
    const { place } = startPlacer();
    const name = await secretCopyName({ namespace: 'kuik-system', name: 'pull' }, owner);
    const placed = await Promise.all(
      Array.from({ length: 10 }, () => place(requestFor(namespace), soon())),
    );
    for (const answer of placed) expect(answer).toEqual({ ok: true, value: name });
    expect(calls).toHaveLength(2);
    const stored = await read(namespace, name);
    expect(stored).toMatchObject({
      type: 'kubernetes.io/dockerconfigjson',
      metadata: {
        labels: {
          'kuik.enix.io/owner-group': 'kuik.enix.io',
          'kuik.enix.io/owner-version': 'v1alpha1',
          'kuik.enix.io/owner-kind': 'ClusterReplicatedImageSet',
          'kuik.enix.io/owner-name': owner.name,
          'kuik.enix.io/owner-uid': owner.uid,
        },
        ownerReferences: [
          {
            apiVersion: 'kuik.enix.io/v1alpha1',
            kind: owner.kind,
            name: owner.name,
            uid: owner.uid,
          },
        ],
      },
    });
    expect(atob(stored.data['.dockerconfigjson'])).toBe(dockerConfig);
  });

  test('does not write what stands there already', async () => {
    const namespace = await freshNamespace();
    await startPlacer().place(requestFor(namespace), soon());
    const { place } = startPlacer();
    expect(await place(requestFor(namespace), soon())).toMatchObject({ ok: true });
    expect(calls.map((call) => call.split(' ')[0])).toEqual(['GET']);
  });

  test('follows a source whose data or type changed', async () => {
    const namespace = await freshNamespace();
    const { place } = startPlacer();
    const request = requestFor(namespace);
    const first = await place(request, soon());
    if (!first.ok) throw new Error(first.error);
    const rotated = { ...request.source, data: { '.dockerconfigjson': '{"auths":{}}' } };
    await place({ ...request, source: rotated }, soon());
    expect(atob((await read(namespace, first.value)).data['.dockerconfigjson'])).toContain('{}');
    const older = {
      ...request.source,
      type: 'kubernetes.io/dockercfg',
      data: { '.dockercfg': '{}' },
    };
    expect(await place({ ...request, source: older }, soon())).toEqual(first);
    expect(await read(namespace, first.value)).toMatchObject({
      type: 'kubernetes.io/dockercfg',
      data: { '.dockercfg': btoa('{}') },
    });
  });

  test('writes nothing on a dry run, and says the name all the same', async () => {
    const namespace = await freshNamespace();
    const { place } = startPlacer();
    const placed = await place(requestFor(namespace, { dryRun: true }), soon());
    const name = await secretCopyName({ namespace: 'kuik-system', name: 'pull' }, owner);
    expect([placed, calls]).toEqual([{ ok: true, value: name }, []]);
  });

  test('leaves alone what stands there under that name and is somebody else’s', async () => {
    const namespace = await freshNamespace();
    const name = await secretCopyName({ namespace: 'kuik-system', name: 'pull' }, owner);
    await createSecret(namespace, name, { mine: 'yes' }, 'Opaque');
    const placed = await startPlacer().place(requestFor(namespace), soon());
    expect(placed).toMatchObject({ ok: false });
    expect((await read(namespace, name)).data).toEqual({ mine: btoa('yes') });
  });

  test('fails with a reason where it may not be written', async () => {
    const placed = await startPlacer().place(requestFor('no-such-namespace'), soon());
    expect(placed).toMatchObject({ ok: false, error: expect.stringContaining('no-such') });
  });
});
