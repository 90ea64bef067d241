import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { type ControlPlane, startControlPlane } from '#test/support/api-server/control-plane.ts';
import { createNamespace } from '#test/support/api-server/namespace.ts';
import { runKuik } from '#test/support/operator/kuik-command.ts';
import { type OperatorProcess, startOperator } from '#test/support/operator/operator-process.ts';
import { eventually } from '#test/support/time/eventually.ts';

/** `kuik check` beside a running operator, and where something is in the way. */
let operator: OperatorProcess;
/** Its own: what other files leave in the cluster would be found, too. */
let plane: ControlPlane;
const admin = () => plane.admin;

beforeAll(async () => {
  plane = await startControlPlane();
  operator = await startOperator({ adminKubeconfig: plane.adminKubeconfig });
});
afterAll(async () => {
  await operator?.stop();
  await plane?.stop();
});

interface Finding {
  readonly check: string;
  readonly state: string;
  readonly message: string;
}

async function check(...more: readonly string[]) {
  const args = [
    ...['check', `--kubeconfig=${plane.adminKubeconfig}`, `--namespace=${operator.namespace}`],
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
    const namespace = await createNamespace(admin(), 'check');
    await declare(namespace, { upstreams });
    await eventually('it is told of', async () => {
      const { code, of } = await check();
      const name = `ReplicatedImageSet/${namespace}/set`;
      const told = of('resources').find(({ message }) => message.startsWith(name));
      return code === 0 && told?.state === 'warning' && told.message.includes('no image in use');
    });
  });
});

function asMatch(wanted: { state: string; message: RegExp }) {
  return { ...wanted, message: expect.stringMatching(wanted.message) };
}
