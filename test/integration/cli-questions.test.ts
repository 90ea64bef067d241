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
import { type Registry, startRegistry } from '#test/support/registries/registry.ts';
import { eventually } from '#test/support/time/eventually.ts';

/** What commands are told by a running operator, of what would be. */
let operator: OperatorProcess;
let first: Registry;
let second: Registry;

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
  const imageFilter = { include: ['/team/.+'] };
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

  test('refuses what is no registry, and a token that is none', async () => {
    expect(await kuik('what-if', '--registry', 'no host')).toMatchObject({ code: 2 });
    const bad = await kuik('what-if', '--registry', 'docker.io', '--token', 'two words');
    expect(bad).toMatchObject({ code: 2, text: expect.stringContaining('one word') });
    expect(bad.text).not.toContain('two words');
  });
});

