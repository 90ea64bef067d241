import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { expect, test } from 'vitest';
import { apiOf } from '#test/support/api-server/api.ts';
import { installChart, removeChart } from '#test/support/api-server/chart.ts';
import { createNamespace, removeNamespace } from '#test/support/api-server/namespace.ts';
import { admin, freshNamespace } from '#test/support/api-server/plane.ts';
import { eventually } from '#test/support/time/eventually.ts';

const container = { name: 'app', image: 'docker.io/library/nginx:1.27' };

test('a fresh namespace takes a Pod with an image volume at once', async () => {
  const namespace = await freshNamespace();
  const { body } = await admin().create(`/api/v1/namespaces/${namespace}/pods`, {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: 'app' },
    spec: {
      containers: [container],
      volumes: [{ name: 'model', image: { reference: 'quay.io/models/tiny:1' } }],
    },
  });
  expect(body.spec.volumes).toContainEqual(
    expect.objectContaining({ name: 'model', image: expect.anything() }),
  );
  expect(body.spec.serviceAccountName).toBe('default');
});

test('the plane serves the five kinds', async () => {
  const { body } = await admin().call('GET', '/apis/kuik.enix.io/v1alpha1');
  const kinds = body.resources.map((resource: { kind: string }) => resource.kind);
  expect(new Set(kinds)).toEqual(
    new Set([
      'ReplicatedImageSet',
      'ClusterReplicatedImageSet',
      'ImageSetMirror',
      'ClusterImageSetMirror',
      'ClusterImageSetAvailability',
    ]),
  );
});

test('what is owned by a resource of ours goes when that goes', async () => {
  const namespace = await freshNamespace();
  const path = `/apis/kuik.enix.io/v1alpha1/namespaces/${namespace}/replicatedimagesets`;
  const { body: owner } = await admin().create(path, {
    apiVersion: 'kuik.enix.io/v1alpha1',
    kind: 'ReplicatedImageSet',
    metadata: { name: 'owner' },
    spec: { upstreams: [{ registry: 'quay.io' }] },
  });
  const secrets = `/api/v1/namespaces/${namespace}/secrets`;
  const { apiVersion, kind } = owner;
  const reference = { apiVersion, kind, name: 'owner', uid: owner.metadata.uid };
  const metadata = { name: 'owned', ownerReferences: [reference] };
  await admin().create(secrets, { apiVersion: 'v1', kind: 'Secret', metadata });
  await admin().remove(`${path}/owner`);
  await eventually('the owned Secret is gone', async () => {
    return (await admin().get(`${secrets}/owned`)) === undefined;
  });
});

test('the shipped roles let the operator do its work and nothing beyond it', async () => {
  const namespace = await createNamespace(admin(), 'rights');
  const release = { name: `rights-${namespace}`, namespace };
  const { server, authorityPem } = admin();
  const token = await installChart(admin(), release);
  const operator = apiOf({ server, authorityPem, token });
  const status = async (method: string, path: string) => (await operator.call(method, path)).status;
  const kinds = '/apis/kuik.enix.io/v1alpha1';
  const own = `/api/v1/namespaces/${namespace}`;
  const webhooks = '/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations';
  const crds = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions';
  const leases = `/apis/coordination.k8s.io/v1/namespaces/${namespace}/leases`;
  try {
    for (const [expected, method, path] of [
      [200, 'GET', `${kinds}/imagesetmirrors`],
      [200, 'GET', `${kinds}/clusterimagesetavailabilities?fieldSelector=metadata.name%3Dnone`],
      [403, 'GET', `${kinds}/clusterimagesetavailabilities/none`],
      [403, 'DELETE', `${kinds}/clusterimagesetavailabilities/none`],
      [403, 'GET', `${kinds}/clusterimagesetavailabilities/none/status`],
      [200, 'GET', `${own}/configmaps`],
      [403, 'GET', `${own}/configmaps/none`],
      [403, 'GET', '/api/v1/namespaces/default/configmaps'],
      [404, 'GET', '/api/v1/namespaces/default/secrets/none'],
      [403, 'PUT', '/api/v1/namespaces/default/secrets/none'],
      [200, 'GET', '/api/v1/pods'],
      [403, 'GET', '/api/v1/namespaces/default/pods/none'],
      [403, 'DELETE', '/api/v1/namespaces/default/pods/none'],
      [200, 'GET', '/api/v1/nodes'],
      [403, 'GET', '/api/v1/nodes/none'],
      [200, 'GET', '/api/v1/namespaces/default'],
      [403, 'GET', '/api/v1/namespaces'],
      [404, 'GET', '/api/v1/namespaces/default/serviceaccounts/none'],
      [404, 'GET', '/apis/apps/v1/namespaces/default/replicasets/none'],
      [403, 'GET', '/apis/apps/v1/namespaces/default/replicasets'],
      [403, 'GET', '/apis/apps/v1/namespaces/default/deployments/none'],
      [404, 'GET', '/apis/batch/v1/namespaces/default/jobs/none'],
      [200, 'GET', `${crds}/imagesetmirrors.kuik.enix.io`],
      [403, 'GET', crds],
      [404, 'GET', `${leases}/e69ca865.enix.io`],
      [403, 'GET', `${leases}/of-somebody-else`],
      [404, 'GET', `${webhooks}/${release.name}`],
      [403, 'GET', `${webhooks}/of-somebody-else`],
      [403, 'POST', webhooks],
      [403, 'DELETE', `${webhooks}/${release.name}`],
      [403, 'POST', '/apis/authentication.k8s.io/v1/tokenreviews'],
      [403, 'POST', '/apis/authorization.k8s.io/v1/subjectaccessreviews'],
    ] as const) {
      expect(await status(method, path), `${method} ${path}`).toBe(expected);
    }
  } finally {
    await operator.close();
    await removeChart(admin(), release);
    await removeNamespace(admin(), namespace);
  }
});

const holder = `
  const { startControlPlane } = await import(process.argv[1]);
  const plane = await startControlPlane({ crds: false });
  const pids = plane.children.map((child) => child.pid);
  console.log(JSON.stringify({ pids, file: plane.adminKubeconfig }));
  setInterval(() => {}, 1000);
`;

test.each(['SIGKILL', 'SIGINT'] as const)(
  'no process and no file of a plane outlives a parent that ends by %s',
  async (signal) => {
    const module = new URL('../support/api-server/control-plane.ts', import.meta.url).pathname;
    const parent = spawn(process.execPath, ['--input-type=module', '-e', holder, module], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const [line] = (await once(createInterface(parent.stdout), 'line')) as [string];
    const { pids, file } = JSON.parse(line) as { pids: number[]; file: string };
    expect(pids.map(alive)).toEqual([true, true, true]);
    expect(existsSync(file)).toBe(true);
    parent.kill(signal);
    await eventually('everything it started is gone', () => !pids.some(alive) && !existsSync(file));
  },
);

function alive(pid: number): boolean {
  try {
    process.kill(pid, 0);
  } catch {
    return false;
  }
  // Ended, but not yet collected by whoever inherited it: it does nothing any more.
  const stat = `/proc/${pid}/stat`;
  return !(existsSync(stat) && / Z /.test(readFileSync(stat, 'utf8')));
}
