import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import { kinds } from '#api/kinds.ts';
import { eventsOf } from '#test/support/api-server/events.ts';
import { admin, adminKubeconfig, freshNamespace } from '#test/support/api-server/plane.ts';
import { type OperatorProcess, startOperator } from '#test/support/operator/operator-process.ts';
import { eventually } from '#test/support/time/eventually.ts';

let operator: OperatorProcess;

beforeAll(async () => {
  operator = await startOperator({ adminKubeconfig: adminKubeconfig() });
});
afterAll(async () => {
  await operator?.stop();
});

/** Declares a resource about the Pods of one namespace; the answer is its path. */
async function declare(kind: string, spec: object, namespace: string): Promise<string> {
  const info = kinds.find((one) => one.kind === kind);
  const isNamespaced = info?.scope === 'Namespaced';
  const place = isNamespaced ? `/namespaces/${namespace}` : '';
  const collection = `/apis/kuik.enix.io/v1alpha1${place}/${info?.plural}`;
  const filter = isNamespaced ? {} : { namespaceFilter: { include: [namespace] } };
  await admin().create(collection, {
    ...{ apiVersion: 'kuik.enix.io/v1alpha1', kind },
    metadata: { name: namespace },
    spec: { ...filter, ...spec },
  });
  const path = `${collection}/${namespace}`;
  onTestFinished(() => admin().remove(path));
  return path;
}

async function createPod(namespace: string, name: string, image: string): Promise<string> {
  const spec = { containers: [{ name: 'app', image }] };
  const pods = `/api/v1/namespaces/${namespace}/pods`;
  await admin().create(pods, { apiVersion: 'v1', kind: 'Pod', metadata: { name }, spec });
  return `${pods}/${name}`;
}

/** Waits until the status counts so many, and `Ready` says this; shows what `kubectl get` has. */
async function isCounted(path: string, imageCount: number, message: RegExp): Promise<void> {
  await eventually(`${path} counts ${imageCount}`, async () => {
    const { status } = await admin().get(path);
    expect(status).toMatchObject({ imageCount });
    expect(status.conditions[0]).toMatchObject({ type: 'Ready', status: 'True' });
    expect(status.conditions[0].message).toMatch(message);
    return true;
  });
  const accept = 'application/json;as=Table;v=v1;g=meta.k8s.io';
  const { body } = await admin().call('GET', path, { accept });
  const columns: { name: string }[] = body.columnDefinitions;
  const shown = body.rows[0].cells[columns.findIndex(({ name }) => name === 'Images')];
  expect(shown).toBe(imageCount);
}

const upstreams = (include: string[], path = '') => [
  { registry: 'docker.io', path, imageFilter: { include } },
  { registry: 'quay.io', path },
];
const mirrors = [{ registry: 'm.example.com' }];

test.each([
  ['ReplicatedImageSet', { upstreams: upstreams(['/library/nginx:.+']) }, /^Routes between/],
  ['ClusterReplicatedImageSet', { upstreams: upstreams(['/library/nginx:.+']) }, /^Routes betw/],
])('a %s counts the originals of Pods that have not finished', async (kind, spec, message) => {
  const namespace = await freshNamespace();
  await createPod(namespace, 'a', 'nginx:1');
  await createPod(namespace, 'b', 'docker.io/library/nginx:1');
  await createPod(namespace, 'c', 'nginx:2');
  await createPod(namespace, 'd', 'redis:7');
  const path = await declare(kind, spec, namespace);
  await isCounted(path, 2, message);
  const done = await createPod(namespace, 'e', 'nginx:3');
  await isCounted(path, 3, message);
  await admin().merge(`${done}/status`, { status: { phase: 'Succeeded' } });
  await isCounted(path, 2, message);
  await admin().remove(`${done.slice(0, -1)}c`);
  await isCounted(path, 1, message);
});

test.each(['ImageSetMirror', 'ClusterImageSetMirror'])(
  'a %s counts its images, those that no Pod uses any more too',
  async (kind) => {
    const namespace = await freshNamespace();
    await createPod(namespace, 'a', 'nginx:1');
    await createPod(namespace, 'b', 'docker.io/library/nginx:1');
    const gone = await createPod(namespace, 'c', 'nginx:2');
    await createPod(namespace, 'd', 'redis:7');
    const spec = { imageFilter: { include: ['.+/nginx:.+'] }, mirrors };
    const path = await declare(kind, spec, namespace);
    await lists(path, ['docker.io/library/nginx:1', 'docker.io/library/nginx:2']);
    await admin().remove(gone);
    await createPod(namespace, 'e', 'nginx:3');
    await lists(
      path,
      [1, 2, 3].map((tag) => `docker.io/library/nginx:${tag}`),
    );
  },
);

/** Waits until these images are listed, and counted. */
async function lists(path: string, images: readonly string[]): Promise<void> {
  await eventually(`${path} lists ${images.length}`, async () => {
    const { status } = await admin().get(path);
    const listed = status.matchingImages.map(({ image }: { image: string }) => image);
    expect([status.imageCount, listed.toSorted()]).toEqual([images.length, images]);
    return true;
  });
}

test.each([
  ['ClusterImageSetAvailability', { imageFilter: { include: ['nginx:.+'] } }, 'imageFilter'],
  ['ImageSetMirror', { mirrors, filter: { include: [{ image: 'nginx:.+' }] } }, 'filter'],
  ['ReplicatedImageSet', { upstreams: upstreams(['/nginx:.+'], '/nginx') }, 'path'],
  [
    'ClusterReplicatedImageSet',
    {
      upstreams: upstreams(['/library/nginx:.+']),
      podFilter: { labels: { include: ['tier=front'] } },
    },
    'podFilter',
  ],
])('a %s without images tells the nearest and the field: %j', async (kind, spec, field) => {
  const namespace = await freshNamespace();
  await createPod(namespace, 'a', 'nginx:1.27');
  await createPod(namespace, 'b', 'redis:7');
  const path = await declare(kind, spec, namespace);
  await isCounted(path, 0, new RegExp(`left out by ${field}: docker\\.io/library/nginx:1\\.27 `));
});

test('a set whose upstreams are one place matches nothing, and a warning says so', async () => {
  const namespace = await freshNamespace();
  const only = { registry: 'docker.io', path: '/library', imageFilter: { include: ['.+'] } };
  const spec = { upstreams: [only, { registry: 'index.docker.io', path: 'library/' }] };
  const path = await declare('ReplicatedImageSet', spec, namespace);
  await isCounted(path, 0, /two different places/);
  const { metadata, status } = await admin().get(path);
  expect(status.conditions[0].reason).toBe('MatchesNothing');
  await eventually('it is warned', async () => {
    const events = await eventsOf(metadata.uid, namespace);
    return events.some(({ type, reason }) => type === 'Warning' && reason === 'MatchesNothing');
  });
});
