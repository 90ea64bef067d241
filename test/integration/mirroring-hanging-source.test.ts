import { afterAll, beforeAll, expect, test } from 'vitest';
import { createNamespace, removeNamespace } from '#test/support/api-server/namespace.ts';
import { admin, adminKubeconfig } from '#test/support/api-server/plane.ts';
import { type OperatorProcess, startOperator } from '#test/support/operator/operator-process.ts';
import { type FaultRegistry, startFaultRegistry } from '#test/support/registries/fault-registry.ts';
import { pushImage } from '#test/support/registries/images.ts';
import { tagsOf } from '#test/support/registries/pulled-image.ts';
import { startRegistry, type TestRegistry } from '#test/support/registries/registry.ts';
import { eventually } from '#test/support/time/eventually.ts';

const resources = '/apis/kuik.enix.io/v1alpha1/clusterimagesetmirrors';
/** More than are copied at once (`mirroring.concurrency`). */
const hangingCount = 6;

let from: TestRegistry;
let to: TestRegistry;
let hanging: FaultRegistry;
let namespace: string;
let operator: OperatorProcess;

beforeAll(async () => {
  [from, to] = await Promise.all([startRegistry(), startRegistry()]);
  hanging = await startFaultRegistry({ upstream: from });
  hanging.setRules({ fault: { kind: 'hang' } });
  for (const name of ['first', 'second']) await pushImage(from, `team/${name}:1`);
  namespace = await createNamespace(admin(), 'hanging-source');
  await admin().create(resources, {
    apiVersion: 'kuik.enix.io/v1alpha1',
    kind: 'ClusterImageSetMirror',
    metadata: { name: namespace },
    spec: {
      imageFilter: { include: ['.+'] },
      namespaceFilter: { include: [namespace] },
      mirrors: [{ registry: to.host, path: '/mirror' }],
    },
  });
  operator = await startOperator({ adminKubeconfig: adminKubeconfig() });
});

afterAll(async () => {
  await operator?.stop();
  await admin().remove(`${resources}/${namespace}`);
  await removeNamespace(admin(), namespace);
  await hanging?.close();
  for (const registry of [from, to]) await registry?.remove();
});

async function createPod(name: string, image: string): Promise<void> {
  await admin().create(`/api/v1/namespaces/${namespace}/pods`, {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name },
    spec: { containers: [{ name: 'app', image }] },
  });
}

/** From the Pod to the tag on the mirror, ms. */
async function copied(name: string): Promise<number> {
  const startedMs = performance.now();
  await createPod(name, `${from.host}/team/${name}:1`);
  await eventually(
    `${name} is copied`,
    async () => (await tagsOf(to, `mirror/team/${name}`)).length > 0,
    { withinMs: 100_000, everyMs: 20 },
  );
  return performance.now() - startedMs;
}

test('images of a registry that hangs hold up no image of another', {
  timeout: 150_000,
}, async () => {
  const before = await copied('first');
  for (let index = 0; index < hangingCount; index += 1) {
    await createPod(`hanging-${index}`, `${hanging.host}/team/app-${index}:1`);
  }
  await eventually('it is asked', () => hanging.requests().length > 0);
  const beside = await copied('second');
  // Two of them held both places for 100 ms; the rest is the machine.
  expect(beside).toBeLessThan(Math.max(700, 3 * before));
});
