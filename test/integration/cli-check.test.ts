import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { kubeconfigFor } from '#test/support/api-server/api.ts';
import { admin, adminKubeconfig, freshNamespace } from '#test/support/api-server/plane.ts';
import { runKuik } from '#test/support/operator/kuik-command.ts';
import { type OperatorProcess, startOperator } from '#test/support/operator/operator-process.ts';
import { temporaryDirectory } from '#test/support/processes/guardian.ts';
import { eventually } from '#test/support/time/eventually.ts';

/** `kuik check` beside a running operator, and where something is in the way. */
let operator: OperatorProcess;

beforeAll(async () => {
  operator = await startOperator({ adminKubeconfig: adminKubeconfig() });
});
afterAll(() => operator?.stop());

interface Finding {
  readonly check: string;
  readonly state: string;
  readonly message: string;
}

async function check(...more: readonly string[]) {
  const args = [
    ...['check', `--kubeconfig=${adminKubeconfig()}`, `--namespace=${operator.namespace}`],
    ...[`--metrics-url=${operator.metricsUrl}`, `--webhook-configuration=${operator.release}`],
  ];
  const { code, text } = await runKuik([...args, '-o', 'json', ...more]);
  const { findings } = JSON.parse(text) as { findings: readonly Finding[] };
  const of = (name: string) => findings.filter((finding) => finding.check === name);
  return { code, findings, of };
}

async function declare(namespace: string, spec: object): Promise<void> {
  const path = `/apis/kuik.enix.io/v1alpha1/namespaces/${namespace}/replicatedimagesets`;
  const metadata = { name: 'set', namespace };
  const kind = 'ReplicatedImageSet';
  await admin().create(path, { apiVersion: 'kuik.enix.io/v1alpha1', kind, metadata, spec });
  onTestFinished(() => admin().remove(`${path}/set`));
}

const upstreams = [
  { registry: 'a.example.com', imageFilter: { include: ['.+'] } },
  { registry: 'b.example.com', imageFilter: { include: ['.+'] } },
];

describe('kuik check', () => {
  test('finds nothing in the way of an operator that works: reviews get there, somebody leads', async () => {
    const { code, findings, of } = await check();
    expect(findings.filter(({ state }) => state === 'failed')).toEqual([]);
    expect(code).toBe(0);
    for (const name of ['API server', 'definitions', 'rights', 'webhook configuration']) {
      expect(of(name), name).toMatchObject([{ state: 'ok' }]);
    }
    expect(of('reviews')).toMatchObject([{ state: 'ok', message: /answered by/ }].map(asMatch));
    expect(of('leader')).toMatchObject([{ state: 'ok' }]);
    expect(of('certificate')).toMatchObject([{ state: 'ok' }]);
  });

  test('names a resource that nothing matches, and goes on', async () => {
    const namespace = await freshNamespace();
    await declare(namespace, { upstreams });
    await eventually('it is told of', async () => {
      const { code, of } = await check();
      const name = `ReplicatedImageSet/${namespace}/set`;
      const told = of('resources').find(({ message }) => message.startsWith(name));
      return code === 0 && told?.state === 'warning' && told.message.includes('no image in use');
    });
  });

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
      ['check', `--namespace=${operator.namespace}`, `--metrics-url=${operator.metricsUrl}`],
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

function tokenKubeconfig(token: string): string {
  const directory = temporaryDirectory('check');
  onTestFinished(directory.remove);
  const path = join(directory.path, 'kubeconfig');
  const { server, authorityPem } = admin();
  writeFileSync(path, kubeconfigFor({ server, authorityPem, token }));
  return path;
}

function asMatch(wanted: { state: string; message: RegExp }) {
  return { ...wanted, message: expect.stringMatching(wanted.message) };
}
