import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { parse } from 'yaml';
import { admin, adminKubeconfig, freshNamespace } from '#test/support/api-server/plane.ts';
import { createPod, oneContainer } from '#test/support/operator/created-pod.ts';
import { runKuik } from '#test/support/operator/kuik-command.ts';
import { type OperatorProcess, startOperator } from '#test/support/operator/operator-process.ts';
import { temporaryDirectory } from '#test/support/processes/guardian.ts';
import { pushImage } from '#test/support/registries/images.ts';
import { startRegistry, type TestRegistry } from '#test/support/registries/registry.ts';
import { eventually } from '#test/support/time/eventually.ts';

/** What commands are told by a running operator, of what would be. */
let operator: OperatorProcess;
let first: TestRegistry;
let second: TestRegistry;

beforeAll(async () => {
  [operator, first, second] = await Promise.all([
    startOperator({ adminKubeconfig: adminKubeconfig() }),
    startRegistry(),
    startRegistry(),
  ]);
  await Promise.all([first, second].map((registry) => pushImage(registry, 'team/app:1')));
});
afterAll(async () => {
  await Promise.all([operator?.stop(), first?.remove(), second?.remove()]);
});

const sets = (namespace: string) =>
  `/apis/kuik.enix.io/v1alpha1/namespaces/${namespace}/replicatedimagesets`;

function setOf(namespace: string) {
  const imageFilter = { include: ['/team/.+'], exclude: ['/team/kept:.+'] };
  return {
    ...{ apiVersion: 'kuik.enix.io/v1alpha1', kind: 'ReplicatedImageSet' },
    metadata: { name: 'team', namespace },
    spec: { upstreams: [first, second].map(({ host: registry }) => ({ registry, imageFilter })) },
  };
}

async function kuik(...args: readonly string[]) {
  return await runKuik(args, { KUIK_DEBUG_URL: operator.debugUrl });
}

describe('kuik what-if', () => {
  test('tells who moves and who could not start, and changes nothing', async () => {
    const namespace = await freshNamespace();
    const image = `${first.host}/team/app:1`;
    const alone = `${first.host}/alone/app:1`;
    await admin().create(sets(namespace), setOf(namespace));
    onTestFinished(() => admin().remove(`${sets(namespace)}/team`));
    await createPod(namespace, oneContainer(image), { metadata: { name: 'moves' } });
    await createPod(namespace, oneContainer(alone), { metadata: { name: 'stays-behind' } });
    const answer = await eventually('the set and both Pods are known', async () => {
      const { code, text } = await kuik(
        ...['what-if', '--registry', first.host, '--exit-code', '-o', 'yaml'],
      );
      const said = parse(text);
      return code === 3 && said.moving.length === 1 && said;
    });
    expect(answer.replica).not.toBe('');
    expect(answer.moving).toMatchObject([
      {
        ...{ namespace, kind: 'Pod', name: 'moves', pods: 1 },
        images: [
          {
            ...{ container: 'app', now: image, afterwards: `${second.host}/team/app:1` },
            by: `ReplicatedImageSet/${namespace}/team`,
          },
        ],
      },
    ]);
    expect(answer.stranded).toMatchObject([
      { name: 'stays-behind', images: [{ container: 'app', now: alone }] },
    ]);
    const other = await kuik('what-if', '--registry', second.host, '--exit-code');
    expect(other).toMatchObject({ code: 0, text: expect.stringContaining('nothing changes') });
    const both = await kuik(
      ...['what-if', '--registry', first.host, '--registry', second.host, '-o', 'json'],
    );
    expect(JSON.parse(both.text).stranded).toHaveLength(2);
  });
});

describe('kuik plan', () => {
  test('tells what a set would reroute, and what its filters leave out; nothing is changed', async () => {
    const namespace = await freshNamespace();
    const image = `${first.host}/team/gone:1`;
    const other = `${first.host}/team/kept:1`;
    await pushImage(second, 'team/gone:1');
    await createPod(namespace, oneContainer(image), { metadata: { name: 'moves' } });
    await createPod(namespace, oneContainer(other), { metadata: { name: 'left-out' } });
    const file = fileWith(JSON.stringify(setOf(namespace)));
    const { plans } = await eventually('both Pods are known', async () => {
      const { code, text } = await kuik('plan', file, '-o', 'json');
      const said = JSON.parse(text);
      return code === 0 && said.plans[0].leftOut.length > 0 && said;
    });
    expect(plans).toMatchObject([
      {
        ...{ resource: `ReplicatedImageSet/${namespace}/team`, problems: [], images: [image] },
        leftOut: [{ image: other, field: 'spec.imageFilter' }],
        rerouted: [
          {
            ...{ name: 'moves', pods: 1 },
            images: [{ now: image, afterwards: `${second.host}/team/gone:1` }],
          },
        ],
        copies: [],
      },
    ]);
    expect((await admin().get(sets(namespace))).items).toEqual([]);
    const again = JSON.parse((await kuik('plan', file, '-o', 'json')).text);
    expect(again.plans).toMatchObject([{ rerouted: [{ name: 'moves' }] }]);
  });

  test('tells what a mirror would copy, and how many bytes', async () => {
    const namespace = await freshNamespace();
    await createPod(namespace, oneContainer(`${first.host}/team/app:1`));
    const file = fileWith(`
apiVersion: kuik.enix.io/v1alpha1
kind: ImageSetMirror
metadata: { name: copies, namespace: ${namespace} }
spec:
  imageFilter: { include: ["${first.host}/.+"] }
  mirrors: [{ registry: "${second.host}", path: /mirror }]
---
apiVersion: kuik.enix.io/v1alpha1
kind: ImageSetMirror
metadata: { name: nothing, namespace: ${namespace} }
spec:
  imageFilter: { include: ["quay.io/.+"] }
  mirrors: [{ registry: "${second.host}", path: /mirror }]
`);
    const answer = await eventually('the Pod is known', async () => {
      const said = JSON.parse((await kuik('plan', file, '-o', 'json')).text);
      return said.plans[0].copies.length > 0 && said;
    });
    const [{ copies }, nothing] = answer.plans;
    expect(copies).toMatchObject([
      { image: `${first.host}/team/app:1`, copies: [`${second.host}/mirror/team/app:1`] },
    ]);
    expect(copies[0].bytes).toBeGreaterThan(0);
    expect(answer.bytes).toBe(copies[0].bytes);
    expect(nothing).toMatchObject({ images: [], copies: [] });
    const { code, text } = await kuik('plan', file);
    expect([code, text]).toEqual([0, expect.stringMatching(/1 copy would be made: at most \d/)]);
  });
});

/** A file that is gone with the test. */
function fileWith(content: string): string {
  const directory = temporaryDirectory('plan');
  onTestFinished(directory.remove);
  const path = join(directory.path, 'resource.yaml');
  writeFileSync(path, content);
  return path;
}
