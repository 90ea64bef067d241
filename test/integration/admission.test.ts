import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { admin, adminKubeconfig, freshNamespace } from '#test/support/api-server/plane.ts';
import { annotationsOf, createPod, oneContainer } from '#test/support/operator/created-pod.ts';
import { type OperatorProcess, startOperator } from '#test/support/operator/operator-process.ts';
import { pushImage } from '#test/support/registries/images.ts';
import { startRegistry, type TestRegistry } from '#test/support/registries/registry.ts';
import { eventually } from '#test/support/time/eventually.ts';

/**
 * The main job, end to end: a real API server asks the operator in its own process about real
 * Pods whose images are on real registries.
 */
let operator: OperatorProcess;
let first: TestRegistry;
let second: TestRegistry;

beforeAll(async () => {
  [first, second, operator] = await Promise.all([
    startRegistry(),
    startRegistry(),
    startOperator({ adminKubeconfig: adminKubeconfig() }),
  ]);
  for (const registry of [first, second]) {
    await pushImage(registry, 'team/app:1');
    await pushImage(registry, 'team/tool:1');
  }
  await pushImage(first, 'team/only-here:1');
  await pushImage(second, 'mirror/team/app:1');
});

afterAll(async () => {
  await operator?.stop();
  await Promise.all([first?.remove(), second?.remove()]);
});

const kuik = '/apis/kuik.enix.io/v1alpha1';

/** Both registries hold the same images, for the Pods of one namespace. */
async function declareEqual(namespace: string, priority = 0): Promise<void> {
  await declare(`${kuik}/namespaces/${namespace}/replicatedimagesets`, {
    kind: 'ReplicatedImageSet',
    metadata: { name: 'equal', namespace },
    spec: {
      priority,
      upstreams: [first, second].map((registry) => ({
        registry: registry.host,
        path: '/team',
        imageFilter: { include: ['/team/.+'] },
      })),
    },
  });
  await routed(namespace, `${first.host}/team/not-asked-later:1`, 2);
}

async function declare(path: string, object: object): Promise<void> {
  await admin().create(path, { apiVersion: 'kuik.enix.io/v1alpha1', ...object });
}

/** Waits until the operator's watch has brought what was just declared. */
async function routed(namespace: string, image: string, candidates: number): Promise<void> {
  const url = `${operator.debugUrl}/debug/route?namespace=${namespace}&image=${image}`;
  await eventually(`${image} has ${candidates} candidates`, async () => {
    const answer = (await (await fetch(url)).json()) as { candidates: unknown[] };
    return answer.candidates.length === candidates;
  });
}

/** Stops a registry for one test. */
async function stopped(registry: TestRegistry): Promise<void> {
  await registry.stop();
  onTestFinished(async () => {
    await registry.start();
    await eventually(
      'the operator sees that it is back',
      async () => {
        const id = encodeURIComponent(`registry:${registry.host}`);
        const answer = await fetch(`${operator.debugUrl}/debug/actors/${id}`);
        if (answer.status === 404) return true;
        const { state } = (await answer.json()) as { state: string[] };
        return state.some((name) => name.endsWith('Closed'));
      },
      { withinMs: 60_000 },
    );
  });
}

describe('a Pod whose registry is down', () => {
  test('comes out pointing at the upstream that answers, and says why', async () => {
    const namespace = await freshNamespace();
    await declareEqual(namespace);
    await stopped(first);
    const { pod } = await createPod(namespace, oneContainer(`${first.host}/team/app:1`));
    expect(pod.spec.containers[0].image).toBe(`${second.host}/team/app:1`);
    expect(annotationsOf(pod)).toEqual({
      originals: { app: `${first.host}/team/app:1` },
      by: { app: `ReplicatedImageSet/${namespace}/equal` },
      reason: { app: 'OriginalUnreachable' },
    });
  });

  test('comes out pointing at a mirror copy, init containers too', async () => {
    const namespace = await freshNamespace();
    await declare(`${kuik}/namespaces/${namespace}/imagesetmirrors`, {
      kind: 'ImageSetMirror',
      metadata: { name: 'copies', namespace },
      spec: {
        imageFilter: { include: ['.*/team/.+'] },
        mirrors: [{ registry: second.host, path: '/mirror' }],
      },
    });
    await routed(namespace, `${first.host}/team/not-asked-later:1`, 2);
    await stopped(first);
    const image = `${first.host}/team/app:1`;
    const { pod } = await createPod(namespace, {
      initContainers: [{ name: 'migrate', image }],
      ...oneContainer(image),
    });
    expect(pod.spec.containers[0].image).toBe(`${second.host}/mirror/team/app:1`);
    expect(pod.spec.initContainers[0].image).toBe(`${second.host}/mirror/team/app:1`);
    expect(annotationsOf(pod).originals).toEqual({ app: image, 'init:migrate': image });
  });

  test('keeps its original when nothing answers, with a warning that names what was tried', async () => {
    const namespace = await freshNamespace();
    await declareEqual(namespace);
    const before = await operator.reviews();
    const image = `${first.host}/team/nowhere:1`;
    const { pod, warnings } = await createPod(namespace, oneContainer(image));
    expect(pod.spec.containers[0].image).toBe(image);
    expect(annotationsOf(pod).originals).toBeNull();
    expect(warnings.join(' ')).toContain(`${second.host}/team/nowhere:1`);
    expect(await operator.reviews()).toBeGreaterThan(before);
  });
});

describe('a Pod whose registry answers', () => {
  test('leaves as it came', async () => {
    const namespace = await freshNamespace();
    await declareEqual(namespace);
    const before = await operator.reviews();
    const { pod } = await createPod(namespace, oneContainer(`${first.host}/team/tool:1`));
    expect(pod.spec.containers[0].image).toBe(`${first.host}/team/tool:1`);
    expect(pod.metadata.annotations).toBeUndefined();
    expect(await operator.reviews()).toBeGreaterThan(before);
  });

  test('goes where a negative priority prefers it', async () => {
    const namespace = await freshNamespace();
    await declareEqual(namespace, -1);
    const { pod } = await createPod(namespace, oneContainer(`${first.host}/team/tool:1`));
    expect(pod.spec.containers[0].image).toBe(`${second.host}/team/tool:1`);
    expect(annotationsOf(pod).reason).toEqual({ app: 'Preferred' });
  });

  test('is sent on when only the image is gone', async () => {
    const namespace = await freshNamespace();
    await declareEqual(namespace);
    const { pod } = await createPod(namespace, oneContainer(`${second.host}/team/only-here:1`));
    expect(pod.spec.containers[0].image).toBe(`${first.host}/team/only-here:1`);
    expect(annotationsOf(pod).reason).toEqual({ app: 'OriginalNotFound' });
  });
});

describe('the webhook configuration', () => {
  test('never refuses a Pod when the operator cannot be asked, and is asked for the right things', async () => {
    const path = '/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations';
    const configuration = await admin().get(`${path}/${operator.release}`);
    expect(configuration.webhooks).toHaveLength(1);
    expect(configuration.webhooks[0]).toMatchObject({
      failurePolicy: 'Ignore',
      reinvocationPolicy: 'IfNeeded',
      sideEffects: 'NoneOnDryRun',
      clientConfig: { url: `${operator.webhookUrl}/mutate--v1-pod` },
    });
  });
});
