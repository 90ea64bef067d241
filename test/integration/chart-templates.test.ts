import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { KubeObject } from '#test/support/api-server/api.ts';
import { objectPath } from '#test/support/api-server/chart.ts';
import { createNamespace, removeNamespace } from '#test/support/api-server/namespace.ts';
import { admin } from '#test/support/api-server/plane.ts';
import { chartFolder, renderChart, runHelm } from '#test/support/api-server/rendered-chart.ts';

/** The chart over many values: each object of each rendering is taken by a real API server. */
const name = 'kuik-values';
let namespace: string;

beforeAll(async () => {
  namespace = await createNamespace(admin(), 'values');
  // A Pod is taken, on a dry run too, only where its account is.
  const metadata = { name: `${name}-check`, namespace };
  const accounts = `/api/v1/namespaces/${namespace}/serviceaccounts`;
  await admin().create(accounts, { apiVersion: 'v1', kind: 'ServiceAccount', metadata });
});
afterAll(() => removeNamespace(admin(), namespace));

/** Kinds that a cluster may lack: they are only read as YAML. */
const foreignGroups = /^(cert-manager\.io|monitoring\.coreos\.com)\//;

async function problemsOf(object: KubeObject): Promise<readonly string[]> {
  if (foreignGroups.test(object.apiVersion)) return [];
  const { status, body } = await admin().call('PATCH', objectPath(object), {
    body: object,
    contentType: 'application/apply-patch+yaml',
    query: { fieldManager: 'values', fieldValidation: 'Strict', dryRun: 'All', force: 'true' },
  });
  return status < 300 ? [] : [`${object.kind} ${object.metadata.name}: ${body.message}`];
}

const crds = { create: false };

test('the chart passes lint, and renders for each version of Kubernetes that it is for', async () => {
  expect(await runHelm(['lint', '--strict', chartFolder])).toContain('0 chart(s) failed');
  for (const version of ['1.30.0', '1.34.4', '1.37.2', '1.50.0']) {
    const text = await runHelm(['template', name, chartFolder, '--kube-version', version]);
    expect(text).toContain('kind: MutatingWebhookConfiguration');
  }
});

describe('what is rendered is taken by the API server', () => {
  test.each<[string, object, (objects: readonly KubeObject[]) => unknown]>([
    ['with two replicas and no budget', { manager: { pdb: { create: false } } }, noBudget],
    ['with one replica, which no drain waits for', { manager: { replicas: 1 } }, noBudget],
    ['with a certificate of cert-manager', { manager: { certManager: { enabled: true } } }, issuer],
    [
      'with an issuer that is there',
      {
        manager: {
          certManager: { enabled: true, issuerRef: { name: 'a', kind: 'ClusterIssuer' } },
        },
      },
      none,
    ],
    ['with a network policy', { networkPolicy: { create: true } }, none],
    [
      'with a budget in Pods that may be away, in per cent',
      { manager: { pdb: { maxUnavailable: '50%' } } },
      (objects) => expect(specOf(objects, 'PodDisruptionBudget')['minAvailable']).toBeUndefined(),
    ],
    ['with Secrets of one namespace', { rbac: { secrets: ['default'] } }, none],
    ['with Secrets of nobody', { rbac: { secrets: 'none' } }, none],
    [
      'with no rights and no policies',
      { rbac: { create: false, policy: { enabled: false } } },
      none,
    ],
    ['with a remote debug port', { debug: { remote: true, hosts: ['kuik.example.com'] } }, none],
    [
      'with a priority class of the cluster',
      { manager: { priorityClassName: 'system-cluster-critical' } },
      (objects) => expect(objects.some(({ kind }) => kind === 'PriorityClass')).toBe(false),
    ],
    [
      'with selectors, conditions and a client authority',
      {
        manager: {
          webhook: {
            annotations: { 'cert-manager.io/inject-ca-from-secret': 'kuik-system/authority' },
            ignoredNamespaces: ['monitoring', 'kube-system'],
            namespaceSelector: { matchLabels: { team: 'a' } },
            objectSelector: { matchExpressions: [{ key: 'spared', operator: 'DoesNotExist' }] },
            matchConditions: [{ name: 'no-job', expression: '!has(object.metadata.labels)' }],
            clientCA: '-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n',
          },
        },
      },
      none,
    ],
    [
      'with variables, volumes, labels, tolerations and affinity',
      {
        manager: {
          env: [{ name: 'HTTPS_PROXY', value: 'http://proxy.example.com:3128' }],
          extraArgs: ['--lease-duration=30s'],
          extraVolumes: [{ name: 'authorities', configMap: { name: 'authorities' } }],
          extraVolumeMounts: [{ name: 'authorities', mountPath: '/etc/authorities' }],
          podLabels: { team: 'platform' },
          podAnnotations: { 'example.com/owner': 'platform' },
          affinity: { podAffinity: {} },
          tolerations: [{ operator: 'Exists' }],
          nodeSelector: { 'kubernetes.io/os': 'linux' },
          imagePullSecrets: [{ name: 'pull' }],
        },
      },
      none,
    ],
    [
      'with alerts, a dashboard and a ServiceMonitor',
      {
        manager: { serviceMonitor: { create: true } },
        prometheusRule: { create: true },
        grafanaDashboard: { create: true },
      },
      none,
    ],
    ['without the Job that cleans up', { cleanup: { onUninstall: false } }, none],
  ])('%s', async (_, values, check) => {
    const { objects, hooks } = await renderChart({ name, namespace }, { crds, ...values });
    const problems = await Promise.all([...objects, ...hooks].map(problemsOf));
    expect(problems.flat()).toEqual([]);
    check(objects);
  });
});

function none(): void {
  // That it is taken is all that is asked.
}

function noBudget(objects: readonly KubeObject[]): void {
  expect(objects.some(({ kind }) => kind === 'PodDisruptionBudget')).toBe(false);
}

function issuer(objects: readonly KubeObject[]): void {
  const kinds = objects.map(({ kind }) => kind);
  expect(kinds).toEqual(expect.arrayContaining(['Certificate', 'Issuer']));
  expect(JSON.stringify(specOf(objects, 'Deployment'))).toContain('--webhook-cert-dir');
}

function specOf(objects: readonly KubeObject[], kind: string): Record<string, unknown> {
  const found = objects.find((one) => one.kind === kind);
  return (found?.['spec'] ?? {}) as Record<string, unknown>;
}

describe('a value that is wrong stops the installation with its place', () => {
  test.each([
    [{ manager: { replicas: 0 } }, '/manager/replicas'],
    [{ manager: { repliccas: 2 } }, "additional properties 'repliccas' not allowed"],
    [{ manager: { verbosity: 'CHATTY' } }, '/manager/verbosity'],
    [{ rbac: { secrets: 'some' } }, '/rbac/secrets'],
    [{ configuration: { mirroring: { concurency: 2 } } }, '/configuration/mirroring'],
    [{ configuration: { routing: { deadline: 'soon' } } }, '/configuration/routing/deadline'],
  ])('%j', async (values, place) => {
    await expect(renderChart({ name, namespace }, values)).rejects.toThrow(place);
  });
});
