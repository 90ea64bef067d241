import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { kubeconfigFor } from '#test/support/api-server/api.ts';
import { admin, adminKubeconfig, freshNamespace } from '#test/support/api-server/plane.ts';
import { runKuik } from '#test/support/operator/kuik-command.ts';
import { temporaryDirectory } from '#test/support/processes/guardian.ts';
import { eventually } from '#test/support/time/eventually.ts';

/** What commands say where no operator runs, or where they are asked what cannot be. */
const nowhere = 'kuik-nowhere';
const noReplica = 'http://127.0.0.1:1';

async function check(...more: readonly string[]) {
  const args = ['check', `--kubeconfig=${adminKubeconfig()}`, `--namespace=${nowhere}`];
  const { code, text } = await runKuik([
    ...args,
    `--metrics-url=${noReplica}`,
    '-o',
    'json',
    ...more,
  ]);
  const { findings } = JSON.parse(text) as { findings: readonly Finding[] };
  return { code, of: (name: string) => findings.filter((finding) => finding.check === name) };
}

interface Finding {
  readonly check: string;
  readonly state: string;
  readonly message: string;
}

describe('kuik check', () => {
  test('ends with 3 where reviews do not get there, and says where', async () => {
    const missing = await check('--webhook-configuration=kuik-typo');
    expect(missing.code).toBe(3);
    expect(missing.of('webhook configuration')[0]?.message).toContain('kuik-typo is not there');
    const away = await check('--probe-namespace=kuik-not-there');
    expect(away.of('reviews')[0]).toMatchObject({ state: 'warning' });
    expect(away.of('reviews')[0]?.message).toContain('not tried');
  });

  test('ends with 3 where nobody leads', async () => {
    const namespace = await freshNamespace();
    const { code, of } = await check(`--namespace=${namespace}`);
    expect(code).toBe(3);
    expect(of('leader')).toMatchObject([{ state: 'failed' }]);
    expect(of('leader')[0]?.message).toContain(`nobody leads in ${namespace}`);
  });

  test('says what may not be done by whoever asks, and goes on with the rest', async () => {
    const namespace = await freshNamespace();
    const account = `/api/v1/namespaces/${namespace}/serviceaccounts/default`;
    await eventually(
      'the account is there',
      async () => (await admin().get(account)) !== undefined,
    );
    const { body } = await admin().create(`${account}/token`, {
      ...{ apiVersion: 'authentication.k8s.io/v1', kind: 'TokenRequest' },
      spec: { expirationSeconds: 3_600 },
    });
    const { code, text } = await runKuik(
      ['check', `--namespace=${nowhere}`, `--metrics-url=${noReplica}`],
      { KUIK_KUBECONFIG: tokenKubeconfig(body.status.token) },
    );
    expect(code).toBe(3);
    expect(text).toContain('may not list pods');
    expect(text).toContain('not tried: whoever asks may not create Pods in default');
  });

  test('ends with 1 where no API server answers', async () => {
    const { code, text } = await runKuik(['check', '--kubeconfig=/nowhere']);
    expect(code).toBe(1);
    expect(text).toContain('/nowhere');
  });
});

test('kuik what-if refuses what is no registry, and a token that is none', async () => {
  expect(await runKuik(['what-if', '--registry', 'no host'])).toMatchObject({ code: 2 });
  const bad = await runKuik(['what-if', '--registry', 'docker.io', '--token', 'two words']);
  expect(bad).toMatchObject({ code: 2, text: expect.stringContaining('one word') });
  expect(bad.text).not.toContain('two words');
});

test('kuik plan says what is wrong in a resource, and ends with 3', async () => {
  const wrong = {
    ...{ apiVersion: 'kuik.enix.io/v1alpha1', kind: 'ReplicatedImageSet' },
    metadata: { name: 'team', namespace: 'default' },
    spec: { upstreams: [{ registri: 'docker.io' }] },
  };
  const { code, text } = await runKuik(['plan', fileWith(JSON.stringify(wrong))]);
  expect(code).toBe(3);
  expect(text).toContain('ReplicatedImageSet team: spec.upstreams[0].registry: expected');
  expect(text).toContain('spec.upstreams[0].registri: expected one of the keys');
});

/** A file that is gone with the test. */
function fileWith(content: string): string {
  const directory = temporaryDirectory('command');
  onTestFinished(directory.remove);
  const path = join(directory.path, 'file');
  writeFileSync(path, content);
  return path;
}

function tokenKubeconfig(token: string): string {
  const { server, authorityPem } = admin();
  return fileWith(kubeconfigFor({ server, authorityPem, token }));
}
