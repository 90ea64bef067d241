import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import { eventsOf } from '#test/support/api-server/events.ts';
import { admin, adminKubeconfig, freshNamespace } from '#test/support/api-server/plane.ts';
import { becomes, createPod, entryOf, mirrorTo } from '#test/support/mirroring/mirror-resource.ts';
import { createPod as createIn, oneContainer } from '#test/support/operator/created-pod.ts';
import { type OperatorProcess, startOperator } from '#test/support/operator/operator-process.ts';
import { pushIndexOf } from '#test/support/registries/image-indexes.ts';
import { byDigest, pushImage } from '#test/support/registries/images.ts';
import { startRegistry, type TestRegistry } from '#test/support/registries/registry.ts';
import { eventually } from '#test/support/time/eventually.ts';

/** Copies of what the nodes of the cluster can run, whatever nodes come. */
let operator: OperatorProcess;
let source: TestRegistry;
let mirror: TestRegistry;

beforeAll(async () => {
  await addNode('amd64');
  [source, mirror, operator] = await Promise.all([
    startRegistry(),
    startRegistry(),
    startOperator({
      adminKubeconfig: adminKubeconfig(),
      config: { mirroring: { platforms: 'auto' } },
    }),
  ]);
});

afterAll(async () => {
  await operator?.stop();
  await Promise.all([source?.remove(), mirror?.remove(), removeNode('amd64')]);
});

async function addNode(architecture: string): Promise<void> {
  const labels = { 'kubernetes.io/arch': architecture };
  const node = { apiVersion: 'v1', kind: 'Node', metadata: { name: architecture, labels } };
  await admin().create('/api/v1/nodes', node);
}

const removeNode = (architecture: string) => admin().remove(`/api/v1/nodes/${architecture}`);

/** An image of two architectures. */
async function pushForBoth(name: string): Promise<string> {
  const repository = name.slice(0, name.indexOf(':'));
  const children = [];
  for (const architecture of ['amd64', 'arm64']) {
    const child = await pushImage(source, `${repository}:${byDigest}`, { label: architecture });
    children.push({ ...child, platform: { os: 'linux', architecture } });
  }
  await pushIndexOf(source, name, children);
  return `${source.host}/${name}`;
}

const platformsOf = async (path: string, image: string) =>
  (await entryOf(path, image))?.mirrors[0]?.platforms;

// It goes first: a term never forgets an architecture that it has seen.
test('what the source lacks of the architectures of the nodes is told, the rest is copied', async () => {
  const namespace = await freshNamespace();
  await addNode('s390x');
  onTestFinished(() => removeNode('s390x'));
  const image = await pushForBoth('team/lacking:1');
  const path = await mirrorTo(namespace, [{ registry: mirror.host, path: `/${namespace}` }]);
  await createPod(namespace, image);
  await becomes(path, image, 'Available');
  expect(await platformsOf(path, image)).toEqual(['linux/amd64']);
  const { metadata } = await admin().get(path);
  const event = await eventually('it is told', async () => {
    return (await eventsOf(metadata.uid, namespace)).find(
      ({ reason }) => reason === 'PlatformsMissing',
    );
  });
  expect(event.note).toContain('linux/s390x');
});

test('a copy that lacks the architecture of a new node is offered to the others until it is made anew', async () => {
  const namespace = await freshNamespace();
  const image = await pushForBoth('team/both:1');
  const path = await mirrorTo(namespace, [{ registry: mirror.host, path: `/${namespace}` }]);
  await createPod(namespace, image);
  const { image: copy } = await becomes(path, image, 'Available');
  expect(await platformsOf(path, image)).toEqual(['linux/amd64']);

  await source.stop();
  await addNode('arm64');
  onTestFinished(() => removeNode('arm64'));
  const failure = await eventually('making it anew has failed', async () => {
    return (await entryOf(path, image))?.mirrors[0]?.lastError;
  });
  expect(failure).toContain(source.host);
  expect(await platformsOf(path, image)).toEqual(['linux/amd64']);
  const runs = async (architecture: string) => {
    const nodeSelector = { 'kubernetes.io/arch': architecture };
    const { pod } = await createIn(namespace, { ...oneContainer(image), nodeSelector });
    return pod.spec.containers[0].image;
  };
  expect(await runs('amd64')).toBe(copy);
  expect(await runs('arm64')).toBe(image);

  await source.start();
  // Nothing is left out of it any more, so no platforms are told.
  await eventually('it holds both', async () => {
    const entry = (await entryOf(path, image))?.mirrors[0];
    return entry?.platforms === undefined && entry?.lastError === undefined;
  });
  await source.stop();
  onTestFinished(() => source.start());
  await eventually('it is offered to the new node too', async () => (await runs('arm64')) === copy);
});
