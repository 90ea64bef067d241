import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Api, apiOf, type KubeObject, kubeconfigFor } from '#test/support/api-server/api.ts';
import { objectPath } from '#test/support/api-server/chart.ts';
import { createNamespace, removeNamespace } from '#test/support/api-server/namespace.ts';
import { admin } from '#test/support/api-server/plane.ts';
import { renderChart } from '#test/support/api-server/rendered-chart.ts';
import { runKuik } from '#test/support/operator/kuik-command.ts';
import { entryPoint, shippedNodeFlags } from '#test/support/operator/shipped-node.ts';
import {
  type Child,
  freePorts,
  lastLines,
  startChild,
} from '#test/support/processes/child-process.ts';
import { temporaryDirectory } from '#test/support/processes/guardian.ts';
import { eventually, operatorLeftOut, untilReady } from '#test/support/time/eventually.ts';

/** A release of the chart on a real API server, from its first manifest until nothing is left. */
const name = 'kuik-chart';
const directory = temporaryDirectory('chart');
/** Definitions are there, and stay; priority classes and policies are of the whole cluster. */
const values = { crds: { create: false }, configuration: { mirroring: { concurrency: 3 } } };
let namespace: string;
let objects: readonly KubeObject[];
let hooks: readonly KubeObject[];
let operator: Child | undefined;
let ports: readonly number[];

beforeAll(async () => {
  namespace = await createNamespace(admin(), 'chart');
  ({ objects, hooks } = await renderChart({ name, namespace }, values));
  ports = await freePorts(4);
});

afterAll(async () => {
  await operator?.stop('SIGTERM', 20_000);
  for (const object of [...objects, ...hooks].toReversed())
    await admin().remove(objectPath(object));
  await removeNamespace(admin(), namespace);
  directory.remove();
});

const webhookPath = `/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations/${name}`;
const deploymentPath = () => `/apis/apps/v1/namespaces/${namespace}/deployments/${name}`;

async function applyAs(manager: string, object: KubeObject) {
  return await admin().call('PATCH', objectPath(object), {
    body: object,
    contentType: 'application/apply-patch+yaml',
    query: { fieldManager: manager, fieldValidation: 'Strict' },
  });
}

async function applyAll(manager: string): Promise<void> {
  for (const object of objects) {
    const { status, body } = await applyAs(manager, object);
    expect(status, `${object.kind}: ${body.message}`).toBeLessThan(300);
  }
}

/** Somebody as whom a token of a service account lets one in. */
async function accessAs(account: string) {
  const path = `/api/v1/namespaces/${namespace}/serviceaccounts/${account}/token`;
  const { body } = await admin().create(path, {
    apiVersion: 'authentication.k8s.io/v1',
    kind: 'TokenRequest',
    spec: { expirationSeconds: 3_600 },
  });
  const { server, authorityPem } = admin();
  return { server, authorityPem, token: String(body.status.token) };
}

async function kubeconfigOf(account: string): Promise<string> {
  const path = join(directory.path, account);
  writeFileSync(path, kubeconfigFor(await accessAs(account), namespace));
  return path;
}

/** What the Deployment says, with ports and files of this machine in place of a container's. */
async function startAsDeployed(): Promise<Child> {
  const { spec } = oneOf<{ spec: { template: { spec: PodSpec } } }>(objects, 'Deployment');
  const [container] = spec.template.spec.containers;
  const { data } = oneOf<{ data: Record<string, string> }>(objects, 'ConfigMap');
  const config = join(directory.path, 'config.yaml');
  writeFileSync(config, data['config.yaml'] ?? '');
  const [webhook, metrics, health, debug] = ports;
  return await startChild({
    name: 'operator of the chart',
    command: process.execPath,
    args: [
      ...shippedNodeFlags(),
      entryPoint,
      ...(container?.args ?? []),
      ...[`--kubeconfig=${await kubeconfigOf(name)}`, `--config=${config}`],
      ...[`--webhook-port=${webhook}`, `--metrics-port=${metrics}`],
      ...[`--health-port=${health}`, `--debug-port=${debug}`],
    ],
    logFile: join(directory.path, 'operator.log'),
    env: { PATH: process.env['PATH'], HOME: directory.path },
  });
}

/** The only object of a kind. */
function oneOf<T>(all: readonly KubeObject[], kind: string): KubeObject & T {
  const [object] = all.filter((one) => one.kind === kind);
  if (object === undefined) throw new Error(`Expected the chart to have a ${kind}.`);
  return object as KubeObject & T;
}

interface PodSpec {
  readonly serviceAccountName: string;
  readonly containers: readonly { readonly args: readonly string[] }[];
}

async function caBundle(): Promise<string> {
  const { webhooks } = await admin().get(webhookPath);
  return webhooks[0].clientConfig.caBundle ?? '';
}

describe('a release of the chart', () => {
  test('is taken by the API server, every field of it', async () => {
    await applyAll('helm');
    const { spec } = await admin().get(deploymentPath());
    expect(spec.template.spec.priorityClassName).toBe(`${namespace}-${name}`);
    expect(spec.template.spec.containers[0].resources.requests.memory).toBe('512Mi');
  });

  test('brings the definitions as they are, to be kept', async () => {
    const { objects: all } = await renderChart({ name, namespace });
    const definitions = all.filter(({ kind }) => kind === 'CustomResourceDefinition');
    expect(definitions).toHaveLength(5);
    for (const definition of definitions) {
      expect(definition.metadata.annotations).toEqual({ 'helm.sh/resource-policy': 'keep' });
      const { status, body } = await admin().call('PATCH', objectPath(definition), {
        body: definition,
        contentType: 'application/apply-patch+yaml',
        query: { fieldManager: 'helm', fieldValidation: 'Strict', dryRun: 'All', force: 'true' },
      });
      expect(status, body.message).toBe(200);
      const stored = await admin().get(objectPath(definition));
      expect(body.spec).toEqual(stored.spec);
    }
  });

  test('has an operator get ready, as its Deployment says and with the rights of its account', async () => {
    if (!operatorLeftOut) operator = await startAsDeployed();
    await untilReady(
      'it is ready',
      async () => {
        const { status } = await fetch(`http://127.0.0.1:${ports[2]}/readyz`);
        return status === 200;
      },
      { withinMs: 30_000 },
    ).catch((error: unknown) => {
      throw new Error(operator === undefined ? 'no operator' : lastLines(operator), {
        cause: error,
      });
    });
    await eventually('what the operator serves is trusted', async () => (await caBundle()) !== '');
    const { metadata } = await admin().get(
      `/apis/coordination.k8s.io/v1/namespaces/${namespace}/leases/e69ca865.enix.io`,
    );
    expect(metadata.name).toBe('e69ca865.enix.io');
  });

  test('is found to work by the test that it brings, but for what needs a network of Pods', async () => {
    const test = hooks.filter(({ metadata }) => metadata.name === `${name}-check`);
    for (const object of test.filter(({ kind }) => kind !== 'Pod')) {
      await admin().apply(objectPath(object), object);
    }
    const { spec } = oneOf<{ spec: PodSpec }>(test, 'Pod');
    const kubeconfig = await kubeconfigOf(spec.serviceAccountName);
    const here = `--metrics-url=http://127.0.0.1:${ports[1]}`;
    const args = [...(spec.containers[0]?.args ?? []), `--kubeconfig=${kubeconfig}`, here];
    await eventually('the roles are in force, and it works', async () => {
      const { text } = await runKuik([...args, '-o', 'json']);
      const { findings } = JSON.parse(text) as { findings: { check: string; state: string }[] };
      // A Service leads nowhere here: no node runs the Pods behind it.
      const wrong = findings.filter(({ check, state }) => state !== 'ok' && check !== 'resources');
      expect(wrong.map(({ check }) => check)).toEqual(['reviews']);
      return true;
    });
  });

  test('can be applied again by others: nobody differs over what the operator keeps', async () => {
    const bundle = await caBundle();
    expect(bundle).not.toBe('');
    const { metadata: before } = await admin().get(webhookPath);
    await applyAll('argocd-controller');
    await applyAll('helm');
    const { metadata: after } = await admin().get(webhookPath);
    expect(after.generation).toBe(before.generation);
    expect(await caBundle()).toBe(bundle);
  });

  test('replaces its Pods when the configuration changes, and only then', async () => {
    const checksum = async (configuration: object) => {
      const { objects: all } = await renderChart({ name, namespace }, { ...values, configuration });
      const { spec } = oneOf<{ spec: { template: KubeObject } }>(all, 'Deployment');
      return spec.template.metadata.annotations?.['checksum/configuration'];
    };
    const first = await checksum(values.configuration);
    expect(await checksum(values.configuration)).toBe(first);
    expect(await checksum({ mirroring: { concurrency: 4 } })).not.toBe(first);
  });

  test('leaves nothing behind, and no resource that hangs', async () => {
    const collection = `/apis/kuik.enix.io/v1alpha1/namespaces/${namespace}/imagesetmirrors`;
    await admin().create(collection, {
      apiVersion: 'kuik.enix.io/v1alpha1',
      kind: 'ImageSetMirror',
      metadata: { name: 'kept', namespace },
      spec: {
        imageFilter: { include: ['.+'] },
        mirrors: [{ registry: 'mirror.invalid' }],
        cleanup: { enabled: true, retention: '1h' },
      },
    });
    await eventually('it is kept until its copies are gone', async () => {
      const { metadata } = await admin().get(`${collection}/kept`);
      return (metadata.finalizers ?? []).includes('kuik.enix.io/mirror-cleanup');
    });
    await operator?.stop('SIGTERM', 20_000);
    operator = undefined;
    const taking = hooks.filter(({ metadata }) => metadata.name === `${name}-uninstall`);
    for (const object of taking.filter(({ kind }) => kind !== 'Job')) {
      await admin().apply(objectPath(object), object);
    }
    const { spec } = oneOf<{ spec: { template: { spec: PodSpec } } }>(taking, 'Job');
    const { containers, serviceAccountName } = spec.template.spec;
    const kubeconfig = await kubeconfigOf(serviceAccountName);
    await eventually('the roles are in force', async () => {
      const somebody: Api = apiOf(await accessAs(serviceAccountName));
      try {
        const { status } = await somebody.call('GET', '/api/v1/secrets?limit=1');
        return status === 200;
      } finally {
        await somebody.close();
      }
    });
    const run = await runKuik([...(containers[0]?.args ?? []), `--kubeconfig=${kubeconfig}`]);
    expect(run.text).toContain('finalizers of resources: taken off 1');
    expect(run.code).toBe(0);
    const { metadata } = await admin().get(`${collection}/kept`);
    expect(metadata.finalizers).toBeUndefined();
    expect(await admin().get(webhookPath)).toBeUndefined();
    const left = async (path: string) => {
      const { items } = await admin().get(`${path.replace('NS', `namespaces/${namespace}`)}`);
      return items.map((one: KubeObject) => one.metadata.name);
    };
    expect(await left('/api/v1/NS/pods')).toEqual([]);
    expect(await left('/api/v1/NS/secrets')).toEqual([]);
    expect(await left('/apis/coordination.k8s.io/v1/NS/leases')).toEqual([]);
    // Those of the release are Helm's to remove.
    const maps: string[] = await left('/api/v1/NS/configmaps');
    expect(maps.filter((one) => one !== name && one !== 'kube-root-ca.crt')).toEqual([]);
  });
});
