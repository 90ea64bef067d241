import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type ControlPlane, startControlPlane } from '#test/support/api-server/control-plane.ts';
import { v2Definitions } from '#test/support/api-server/v2-definitions.ts';
import { findBinary } from '#test/support/binaries/binaries.ts';
import { temporaryDirectory } from '#test/support/processes/guardian.ts';

/** The commands of docs/upgrade-from-v2.md, by Helm itself, where kuik v2's definitions are. */
let plane: ControlPlane;
const directory = temporaryDirectory('helm');
const namespace = 'kuik-system';
const definitions = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions';
const first = `${definitions}/clusterimagesetmirrors.kuik.enix.io`;

beforeAll(async () => {
  plane = await startControlPlane({ controllers: false, crds: false });
  const metadata = { name: namespace };
  await plane.admin.create('/api/v1/namespaces', { apiVersion: 'v1', kind: 'Namespace', metadata });
  // As Helm leaves what lies in `crds/`: created, and owned by no release.
  for (const definition of v2Definitions()) await plane.admin.create(definitions, definition);
});

afterAll(async () => {
  await plane?.stop();
  directory.remove();
});

/** Runs Helm on the chart; hooks are left out, since no kubelet runs their Jobs. */
async function helm(command: string, ...flags: readonly string[]) {
  const chart = join(import.meta.dirname, '../../chart');
  const where = ['--namespace', namespace, '--kubeconfig', plane.adminKubeconfig, '--no-hooks'];
  const args = [command, 'kuik', ...(command === 'uninstall' ? [] : [chart]), ...where, ...flags];
  const env = { ...process.env, HOME: directory.path };
  try {
    await promisify(execFile)(await findBinary('helm'), args, { env });
    return '';
  } catch (error) {
    return String((error as { stderr?: string }).stderr);
  }
}

test("kuik is installed beside kuik v2's definitions, and leaves them alone", async () => {
  const before = await plane.admin.get(first);
  const said = await helm('install', '--set=crds.create=false', '--set=rbac.policy.enabled=false');
  expect(said).toBe('');
  const { metadata } = await plane.admin.get(first);
  expect(metadata.generation).toBe(before.metadata.generation);
  expect(metadata.labels).toBeUndefined();
});

test('without --take-ownership Helm refuses, and has changed nothing', async () => {
  expect(await helm('upgrade', '--reset-values')).toContain('invalid ownership metadata');
  expect((await plane.admin.get(first)).metadata.labels).toBeUndefined();
});

const ownership = ['--reset-values', '--take-ownership', '--force-conflicts'];

test('with it the definitions are those of the release', async () => {
  expect(await helm('upgrade', ...ownership)).toBe('');
  const { metadata, spec } = await plane.admin.get(first);
  expect(metadata.annotations).toMatchObject({
    'meta.helm.sh/release-name': 'kuik',
    'helm.sh/resource-policy': 'keep',
  });
  expect(spec.versions[0].schema.openAPIV3Schema.properties.status.properties).toHaveProperty(
    'conditions',
  );
});

test('on the way back the webhook goes, and definitions, copied Secrets and finalizers stay', async () => {
  const webhook = '/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations/kuik';
  const secrets = `/api/v1/namespaces/${namespace}/secrets`;
  const secret = { apiVersion: 'v1', kind: 'Secret', metadata: { name: 'kuik-pull-1' } };
  await plane.admin.create(secrets, secret);
  const set = '/apis/kuik.enix.io/v1alpha1/clusterimagesetmirrors';
  const metadata = { name: 'copies', finalizers: ['kuik.enix.io/mirror-cleanup'] };
  const spec = { imageFilter: { include: ['.+'] }, mirrors: [{ registry: 'm.example.com' }] };
  const apiVersion = 'kuik.enix.io/v1alpha1';
  await plane.admin.create(set, { apiVersion, kind: 'ClusterImageSetMirror', metadata, spec });
  expect(await plane.admin.get(webhook)).toBeDefined();
  await helm('uninstall');
  expect(await plane.admin.get(webhook)).toBeUndefined();
  expect(await plane.admin.get(`${secrets}/kuik-pull-1`)).toBeDefined();
  const kept = await plane.admin.get(`${set}/copies`);
  expect(kept.metadata.finalizers).toEqual(metadata.finalizers);
});
