import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { startInjectorWebhook } from '#test/support/api-server/injector-webhook.ts';
import { admin, freshNamespace } from '#test/support/api-server/plane.ts';
import {
  type AdmissionStage,
  startAdmissionStage,
} from '#test/support/operator/admission-stage.ts';
import { annotationsOf, createPod, oneContainer } from '#test/support/operator/created-pod.ts';
import { pushImage } from '#test/support/registries/images.ts';
import { startRegistry, type TestRegistry } from '#test/support/registries/registry.ts';
import { eventually } from '#test/support/time/eventually.ts';

/**
 * Every place in a Pod where an image may stand, and every way to write one, past a real API
 * server. What lies under `/full` of one registry is declared the same as under `/empty`, where
 * nothing is: whatever is asked for there goes to the other.
 */
let stage: AdmissionStage;
let registry: TestRegistry;
let digest: string;

beforeAll(async () => {
  [registry, stage] = await Promise.all([
    startRegistry(),
    startAdmissionStage({
      config: { skipLabels: ['kuik=off'], skipAnnotations: ['example.com/kuik in (off,never)'] },
    }),
  ]);
  ({ digest } = await pushImage(registry, 'full/app:1'));
  for (const name of ['full/app', 'full/tool:1', 'full/both:1', 'empty/both:1']) {
    await pushImage(registry, name);
  }
});

afterAll(async () => {
  await stage?.stop();
  await registry?.remove();
});

const empty = (image: string) => `${registry.host}/empty/${image}`;
const full = (image: string) => `${registry.host}/full/${image}`;

/** A namespace in which both paths are declared the same. */
async function equalNamespace(spec: object = {}): Promise<string> {
  const namespace = await freshNamespace();
  const upstreams = ['/empty', '/full'].map((path) => ({
    registry: registry.host,
    path,
    imageFilter: { include: ['.*'] },
  }));
  const declared = { name: 'equal', namespace, spec: { upstreams, ...spec } };
  await stage.declare('ReplicatedImageSet', declared);
  await stage.proposed(namespace, empty('not-asked-later:1'), full('not-asked-later:1'));
  return namespace;
}

describe('every place where an image stands is routed', () => {
  test('init containers, sidecars among them, containers and image volumes', async () => {
    const namespace = await equalNamespace();
    const { pod } = await createPod(namespace, {
      initContainers: [
        { name: 'migrate', image: empty('app:1') },
        { name: 'proxy', image: empty('tool:1'), restartPolicy: 'Always' },
      ],
      containers: [
        {
          name: 'app',
          image: empty('app:1'),
          volumeMounts: [{ name: 'models', mountPath: '/models' }],
        },
      ],
      volumes: [{ name: 'models', image: { reference: empty('tool:1') } }],
    });
    const { initContainers, containers, volumes } = pod.spec;
    expect(initContainers.map(({ image }: { image: string }) => image)).toEqual([
      full('app:1'),
      full('tool:1'),
    ]);
    expect(initContainers[1].restartPolicy).toBe('Always');
    expect(containers[0].image).toBe(full('app:1'));
    expect(volumes[0].image.reference).toBe(full('tool:1'));
    expect(annotationsOf(pod).originals).toEqual({
      'init:migrate': empty('app:1'),
      'init:proxy': empty('tool:1'),
      app: empty('app:1'),
      'volume:models': empty('tool:1'),
    });
    expect(annotationsOf(pod).reason).toMatchObject({ 'volume:models': 'OriginalNotFound' });
  });

  test('a new ephemeral container, which gets no annotation, and no other a second time', async () => {
    const namespace = await equalNamespace();
    const { pod } = await createPod(namespace, oneContainer(full('tool:1')));
    expect(pod.metadata.annotations).toBeUndefined();
    const debug = async (...ephemeralContainers: object[]) =>
      await admin().merge(
        `/api/v1/namespaces/${namespace}/pods/${pod.metadata.name}/ephemeralcontainers`,
        { spec: { ephemeralContainers } },
      );
    const { body: first } = await debug({ name: 'first', image: empty('tool:1') });
    expect(first.spec.ephemeralContainers[0].image).toBe(full('tool:1'));
    expect(first.metadata.annotations).toBeUndefined();
    const { body: second } = await debug(...first.spec.ephemeralContainers, {
      name: 'second',
      image: empty('app:1'),
    });
    const images = second.spec.ephemeralContainers.map(({ image }: { image: string }) => image);
    expect(images).toEqual([full('tool:1'), full('app:1')]);
    expect(second.spec.containers[0].image).toBe(full('tool:1'));
  });
});

describe('what the user wrote behind the path is kept', () => {
  test.each<[string, () => string]>([
    ['a digest', () => `app@${digest}`],
    ['a tag and a digest', () => `app:1@${digest}`],
    ['nothing', () => 'app'],
  ])('%s', async (_, image) => {
    const namespace = await equalNamespace();
    const { pod } = await createPod(namespace, oneContainer(empty(image())));
    expect(pod.spec.containers[0].image).toBe(full(image()));
    expect(annotationsOf(pod).originals).toEqual({ app: empty(image()) });
  });
});

describe('the pull policy', () => {
  test('Always keeps an original that answers before what is preferred, and no longer', async () => {
    const namespace = await equalNamespace({ priority: -1 });
    const policy = { imagePullPolicy: 'Always' };
    const kept = await createPod(namespace, oneContainer(empty('both:1'), policy));
    const sent = await createPod(namespace, oneContainer(empty('app:1'), policy));
    const usual = await createPod(namespace, oneContainer(empty('both:1')));
    const images = [kept, sent, usual].map(({ pod }) => pod.spec.containers[0].image);
    expect(images).toEqual([empty('both:1'), full('app:1'), full('both:1')]);
    expect(annotationsOf(usual.pod).reason).toEqual({ app: 'Preferred' });
  });

  test('Never is left alone, its siblings are not', async () => {
    const namespace = await equalNamespace();
    const { pod } = await createPod(namespace, {
      containers: [
        { name: 'never', image: empty('app:1'), imagePullPolicy: 'Never' },
        { name: 'app', image: empty('app:1') },
      ],
    });
    expect(pod.spec.containers[0].image).toBe(empty('app:1'));
    expect(annotationsOf(pod).originals).toEqual({ app: empty('app:1') });
  });
});

describe('a Pod is left alone', () => {
  test.each<[string, object, object]>([
    ['by its labels', { labels: { kuik: 'off' } }, {}],
    ['by its annotations', { annotations: { 'example.com/kuik': 'never' } }, {}],
    [
      'as the mirror of a static one',
      { annotations: { 'kubernetes.io/config.mirror': 'hash' } },
      { nodeName: 'node-1', automountServiceAccountToken: false },
    ],
  ])('%s', async (_, metadata, spec) => {
    const namespace = await equalNamespace();
    const before = await stage.operator.reviews();
    const { pod } = await createPod(
      namespace,
      { ...oneContainer(empty('app:1')), ...spec },
      { metadata },
    );
    expect(pod.spec.containers[0].image).toBe(empty('app:1'));
    expect(annotationsOf(pod).originals).toBeNull();
    expect(await stage.operator.reviews()).toBeGreaterThan(before);
  });

  test('when its image is none, and the operator says so in its log', async () => {
    const namespace = await equalNamespace();
    const image = `${registry.host}/empty/App:1`;
    const { pod } = await createPod(namespace, oneContainer(image));
    expect(pod.spec.containers[0].image).toBe(image);
    const found = await eventually('it is in the log', () => {
      const lines = stage.operator.logs().split('\n');
      const warnings = lines.filter((line) => line.includes(image) && line.includes('"warn"'));
      return warnings.length > 0 && warnings;
    });
    expect(found).toHaveLength(1);
  });
});

describe('a Pod that was rewritten', () => {
  const copyOf = (pod: { metadata: { annotations: object } }) => ({
    metadata: { annotations: pod.metadata.annotations },
  });

  test('is left as it is when the webhook is asked again', async () => {
    const namespace = await equalNamespace();
    const { pod } = await createPod(namespace, oneContainer(empty('app:1')));
    const before = await stage.operator.reviews();
    const asked = { operation: 'CREATE', namespace, object: pod };
    expect(await stage.review(asked)).toEqual({ uid: 'asked-by-a-test', allowed: true });
    expect(await stage.operator.reviews()).toBeGreaterThan(before);
  });

  test('is left as it is when another step has changed something else since', async () => {
    const namespace = await equalNamespace();
    const { pod } = await createPod(namespace, oneContainer(empty('app:1')));
    const injected = { name: 'injected', image: empty('tool:1'), imagePullPolicy: 'IfNotPresent' };
    const object = {
      ...pod,
      spec: { ...pod.spec, containers: [...pod.spec.containers, injected] },
    };
    const { patch = '' } = await stage.review({ operation: 'CREATE', namespace, object });
    const operations = JSON.parse(Buffer.from(patch, 'base64').toString());
    expect(operations[0]).toEqual({
      op: 'replace',
      path: '/spec/containers/1/image',
      value: full('tool:1'),
    });
    expect(operations.slice(1).map(({ value }: { value: string }) => JSON.parse(value))).toEqual([
      { app: empty('app:1'), injected: empty('tool:1') },
      {
        app: `ReplicatedImageSet/${namespace}/equal`,
        injected: `ReplicatedImageSet/${namespace}/equal`,
      },
      { app: 'OriginalNotFound', injected: 'OriginalNotFound' },
    ]);
  });

  test('is copied as it is', async () => {
    const namespace = await equalNamespace();
    const { pod } = await createPod(namespace, oneContainer(empty('app:1')));
    const { pod: copy } = await createPod(namespace, oneContainer(full('app:1')), copyOf(pod));
    expect(copy.spec.containers[0].image).toBe(full('app:1'));
    expect(copy.metadata.annotations).toEqual(pod.metadata.annotations);
    const { pod: undone } = await createPod(namespace, oneContainer(empty('app:1')), copyOf(pod));
    expect(undone.spec.containers[0].image).toBe(empty('app:1'));
  });

  test('is routed as it stands when its copy runs something else, and its key is written anew', async () => {
    const namespace = await equalNamespace();
    const { pod } = await createPod(namespace, oneContainer(empty('app:1')));
    const { pod: copy } = await createPod(namespace, oneContainer(empty('tool:1')), copyOf(pod));
    expect(copy.spec.containers[0].image).toBe(full('tool:1'));
    expect(annotationsOf(copy).originals).toEqual({ app: empty('tool:1') });
  });
});

describe('other steps of the same admission', () => {
  test('a container that one after ours brings is routed as well, and the rest is not touched again', async () => {
    const namespace = await equalNamespace();
    const injector = await startInjectorWebhook(admin(), {
      ...{ name: 'zz-injector', namespace },
      container: { name: 'injected', image: empty('tool:1') },
    });
    onTestFinished(injector.close);
    const before = injector.asked();
    const { pod } = await createPod(namespace, oneContainer(empty('app:1')));
    expect(pod.spec.containers.map(({ image }: { image: string }) => image)).toEqual([
      full('app:1'),
      full('tool:1'),
    ]);
    expect(annotationsOf(pod).originals).toEqual({
      app: empty('app:1'),
      injected: empty('tool:1'),
    });
    expect(injector.asked()).toBeGreaterThan(before);
  });

  test('a Pod whose annotations have no room is admitted as it came, with a warning', async () => {
    const namespace = await equalNamespace();
    const annotations = { full: 'x'.repeat(256 * 1024 - 100) };
    const spec = oneContainer(empty('app:1'));
    const { pod, warnings } = await createPod(namespace, spec, { metadata: { annotations } });
    expect(pod.spec.containers[0].image).toBe(empty('app:1'));
    expect(pod.metadata.annotations).toEqual(annotations);
    expect(warnings.join(' ')).toContain('its patch was dropped');
  });
});

test('a discarded upstream is never run, whatever the pull policy', async () => {
  const namespace = await freshNamespace();
  const [discarded, kept] = ['/empty', '/full'].map((path) => ({
    registry: registry.host,
    path,
    imageFilter: { include: ['.*'] },
  }));
  await stage.declare('ReplicatedImageSet', {
    ...{ name: 'leaving', namespace },
    spec: { upstreams: [{ ...discarded, discardAlternative: true }, kept] },
  });
  await stage.proposed(namespace, empty('both:1'), full('both:1'));
  const policy = { imagePullPolicy: 'Always' };
  const { pod } = await createPod(namespace, oneContainer(empty('both:1'), policy));
  expect(pod.spec.containers[0].image).toBe(full('both:1'));
  expect(annotationsOf(pod).reason).toEqual({ app: 'OriginalDiscarded' });
  const { pod: stays } = await createPod(namespace, oneContainer(full('both:1')));
  expect(annotationsOf(stays).originals).toBeNull();
});
