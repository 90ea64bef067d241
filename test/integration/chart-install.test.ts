import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { secretCopyName } from '#actors/secrets/secret-copy.ts';
import type { KubeObject } from '#test/support/api-server/api.ts';
import { objectPath } from '#test/support/api-server/chart.ts';
import { type ControlPlane, startControlPlane } from '#test/support/api-server/control-plane.ts';
import { oneOf, runPod, type Site, startAsDeployed } from '#test/support/api-server/deployed.ts';
import { createNamespace } from '#test/support/api-server/namespace.ts';
import { chartFolder, renderChart, runHelm } from '#test/support/api-server/rendered-chart.ts';
import { runKuik } from '#test/support/operator/kuik-command.ts';
import { type Child, freePorts, lastLines } from '#test/support/processes/child-process.ts';
import { temporaryDirectory } from '#test/support/processes/guardian.ts';
import { eventually, operatorLeftOut, untilReady } from '#test/support/time/eventually.ts';

/** A release of the chart, made, upgraded and removed by Helm on a real API server. */
const name = 'kuik-chart';
const directory = temporaryDirectory('chart');
/** The test itself puts a copy of a Secret there for the operator. */
const rbac = { policy: { exempt: ['admin'] } };
const values = { rbac, configuration: { mirroring: { concurrency: 3 } } };
const changed = { rbac, configuration: { mirroring: { concurrency: 4 } } };
/** Its own: what other files leave in the cluster would be taken away with the release. */
let plane: ControlPlane;
const admin = () => plane.admin;
let namespace: string;
let site: Site;
let objects: readonly KubeObject[];
let hooks: readonly KubeObject[];
let operator: Child | undefined;
let ports: readonly number[];

beforeAll(async () => {
  plane = await startControlPlane();
  namespace = await createNamespace(admin(), 'chart');
  site = { admin: admin(), namespace, directory: directory.path };
  ({ objects, hooks } = await renderChart({ name, namespace }, changed));
  ports = await freePorts(4);
});

afterAll(async () => {
  await operator?.stop('SIGTERM', 20_000);
  await plane?.stop();
  directory.remove();
});

function isDefinition(kind: string): boolean {
  return kind === 'CustomResourceDefinition';
}

const webhookPath = `/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations/${name}`;
const deploymentPath = () => `/apis/apps/v1/namespaces/${namespace}/deployments/${name}`;
const mirrors = () => `/apis/kuik.enix.io/v1alpha1/namespaces/${namespace}/imagesetmirrors`;

async function helm(command: string, args: readonly string[], given?: object): Promise<string> {
  const common = ['--namespace', namespace, '--kubeconfig', plane.adminKubeconfig];
  const from = given === undefined ? [] : ['--values', '-'];
  return await runHelm([command, name, ...args, ...common, ...from], JSON.stringify(given));
}

async function generations(): Promise<readonly number[]> {
  const read = await Promise.all([webhookPath, deploymentPath()].map((path) => admin().get(path)));
  return read.map(({ metadata }) => metadata.generation);
}

async function caBundle(): Promise<string> {
  const { webhooks } = await admin().get(webhookPath);
  return webhooks[0].clientConfig.caBundle ?? '';
}

/** Names of what is there of a kind. */
async function namesOf(collection: string): Promise<readonly string[]> {
  const { items } = await admin().get(collection);
  return items.map(({ metadata }: KubeObject) => metadata.name);
}

describe('a release of the chart', () => {
  test('is installed by Helm, which says what comes next', async () => {
    // Definitions are there, as on a cluster where kuik v2 was: the release takes them over.
    const over = ['--take-ownership', '--force-conflicts'];
    const said = await helm('install', [chartFolder, ...over], values);
    expect(said).toContain('STATUS: deployed');
    expect(said).toContain(`kubectl -n ${namespace} rollout status deployment/${name}`);
    const { spec } = await admin().get(deploymentPath());
    expect(spec.replicas).toBe(2);
    const { priorityClassName, enableServiceLinks, containers } = spec.template.spec;
    expect({ priorityClassName, enableServiceLinks }).toEqual({
      priorityClassName: `${namespace}-${name}`,
      enableServiceLinks: false,
    });
    expect(containers[0].resources.requests.memory).toBe('512Mi');
    for (const definition of objects.filter(({ kind }) => isDefinition(kind))) {
      const { metadata } = await admin().get(objectPath(definition));
      expect(metadata.annotations['meta.helm.sh/release-name']).toBe(name);
    }
  });

  test('has each of its fields known by the API server', async () => {
    for (const object of objects) {
      const { status, body } = await admin().call('PATCH', objectPath(object), {
        body: object,
        contentType: 'application/apply-patch+yaml',
        query: { fieldManager: 'other', fieldValidation: 'Strict', dryRun: 'All', force: 'true' },
      });
      expect(status, `${object.kind}: ${body.message}`).toBeLessThan(300);
    }
  });

  test('has an operator get ready, as its Deployment says and with the rights of its account', async () => {
    if (!operatorLeftOut) operator = await startAsDeployed(site, objects, ports);
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

  test('is found to work by `helm test`, but for what needs a network of Pods', async () => {
    const tested = helm('test', []).catch((error: unknown) => String(error));
    const { code, text } = await runPod(site, {
      labelSelector: 'app.kubernetes.io/component=check',
      readable: '/apis/kuik.enix.io/v1alpha1/imagesetmirrors?limit=1',
      args: [`--metrics-url=http://127.0.0.1:${ports[1]}`, '--output=json'],
    });
    const { findings } = JSON.parse(text) as { findings: { check: string; state: string }[] };
    // A Service leads nowhere here: no node runs the Pods behind it.
    const wrong = findings.filter(({ check, state }) => state !== 'ok' && check !== 'resources');
    expect(wrong.map(({ check }) => check)).toEqual(['reviews']);
    expect(code).toBe(3);
    expect(await tested).toContain(`${name}-check`);
    // Its logs are there to be read; what it was allowed is not any more.
    const tests = hooks.filter(({ metadata }) => metadata.name === `${name}-check`);
    const there = await Promise.all(tests.map((one) => admin().get(objectPath(one))));
    expect(tests.filter((_, at) => there[at] !== undefined).map(({ kind }) => kind)).toEqual([
      'Pod',
    ]);
    await admin().remove(objectPath(oneOf(tests, 'Pod')));
  });

  test('replaces its Pods when the configuration changes, and only then', async () => {
    const bundle = await caBundle();
    expect(bundle).not.toBe('');
    const [webhook, deployment = 0] = await generations();
    await helm('upgrade', [chartFolder], changed);
    expect(await generations()).toEqual([webhook, deployment + 1]);
    await helm('upgrade', [chartFolder], changed);
    expect(await generations()).toEqual([webhook, deployment + 1]);
    expect(await caBundle()).toBe(bundle);
  });

  test('can be applied again by others: nobody differs over what the operator keeps', async () => {
    const [bundle, before] = [await caBundle(), await generations()];
    // Without force: a field of another manager that differed would be a conflict.
    for (const object of objects) {
      const { status, body } = await admin().call('PATCH', objectPath(object), {
        body: object,
        contentType: 'application/apply-patch+yaml',
        query: { fieldManager: 'argocd-controller', fieldValidation: 'Strict' },
      });
      expect(status, `${object.kind}: ${body.message}`).toBeLessThan(300);
    }
    expect(await generations()).toEqual(before);
    expect(await caBundle()).toBe(bundle);
    const { metadata } = await admin().get(webhookPath);
    const writers = metadata.managedFields.filter((one: { fieldsV1: object }) =>
      JSON.stringify(one.fieldsV1).includes('caBundle'),
    );
    expect(writers.map(({ manager }: { manager: string }) => manager)).toEqual(['kuik']);
  });

  test('leaves nothing behind, and no resource that hangs', async () => {
    await admin().create(mirrors(), {
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
      const { metadata } = await admin().get(`${mirrors()}/kept`);
      return (metadata.finalizers ?? []).includes('kuik.enix.io/mirror-cleanup');
    });
    await operator?.stop('SIGTERM', 20_000);
    operator = undefined;
    await placeCopy();
    const uninstalled = helm('uninstall', []);
    const run = await runPod(site, {
      labelSelector: 'app.kubernetes.io/component=uninstall',
      readable: '/api/v1/secrets?limit=1',
    });
    expect(run.text).toContain('finalizers of resources: taken off 1');
    expect(run.text).toContain('copies of Secrets: 1 deleted');
    expect(run.code).toBe(0);
    expect(await uninstalled).toContain('These resources were kept due to the resource policy');

    const { metadata } = await admin().get(`${mirrors()}/kept`);
    expect(metadata.finalizers).toBeUndefined();
    const all = [...objects, ...hooks];
    const there = await Promise.all(all.map((one) => admin().get(objectPath(one))));
    const left = all.filter((_, at) => there[at] !== undefined);
    expect(new Set(left.map(({ kind }) => kind))).toEqual(new Set(['CustomResourceDefinition']));
    expect(left).toHaveLength(5);
    const inside = `/api/v1/namespaces/${namespace}`;
    expect(await namesOf(`${inside}/secrets`)).toEqual([]);
    expect(await namesOf(`${inside}/configmaps`)).toEqual(['kube-root-ca.crt']);
    const leases = `/apis/coordination.k8s.io/v1/namespaces/${namespace}/leases`;
    expect(await namesOf(leases)).toEqual([]);
    await eventually('no Pod is left', async () => {
      return (await namesOf(`${inside}/pods`)).length === 0;
    });
  });

  test('can be installed again: its definitions and resources are still there', async () => {
    await helm('install', [chartFolder], values);
    expect(await namesOf(mirrors())).toEqual(['kept']);
    // Where no node can run the Job, the release can still be removed.
    await helm('uninstall', ['--no-hooks']);
    expect(await admin().get(webhookPath)).toBeUndefined();
    expect(await namesOf(mirrors())).toEqual(['kept']);
  });

  test('is cleaned up by hand, of copies in the namespaces that are named', async () => {
    await placeCopy();
    const secrets = `/api/v1/namespaces/${namespace}/secrets`;
    const uninstall = async (...args: readonly string[]) =>
      await runKuik(['uninstall', '--yes', '--namespace', namespace, ...args], {
        KUIK_KUBECONFIG: plane.adminKubeconfig,
      });
    const { code, text } = await uninstall('--secrets', 'default');
    expect(text).toContain('copies of Secrets: none there');
    expect(code).toBe(0);
    expect(await namesOf(secrets)).toHaveLength(1);
    await uninstall('--secrets', `default,${namespace}`);
    expect(await namesOf(secrets)).toEqual([]);
  });
});

/** A copy of a Secret as the operator places it beside Pods. */
async function placeCopy(): Promise<void> {
  const { metadata } = await admin().get(`${mirrors()}/kept`);
  const owner = { kind: 'ImageSetMirror', name: 'kept', uid: metadata.uid };
  await admin().create(`/api/v1/namespaces/${namespace}/secrets`, {
    apiVersion: 'v1',
    kind: 'Secret',
    type: 'kubernetes.io/dockerconfigjson',
    metadata: {
      name: await secretCopyName({ namespace, name: 'pull' }, owner),
      namespace,
      labels: { 'kuik.enix.io/owner-uid': owner.uid },
      ownerReferences: [{ apiVersion: 'kuik.enix.io/v1alpha1', ...owner }],
    },
    stringData: { '.dockerconfigjson': '{"auths":{}}' },
  });
}
