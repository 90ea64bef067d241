import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { loadKubeConfig } from '#kube/kube-config.ts';
import { temporaryDirectory } from '#test/support/processes/guardian.ts';

const root = join(import.meta.dirname, '..', '..', '..');

function makeServiceAccount() {
  const directory = temporaryDirectory('service-account');
  onTestFinished(() => directory.remove());
  const write = (name: string, text: string) => writeFileSync(join(directory.path, name), text);
  write('token', 'first\n');
  write('ca.crt', 'an authority');
  write('namespace', 'kuik-system');
  return { path: directory.path, write };
}

test('the service account of a Pod says which API server there is, and as whom', async () => {
  const { path, write } = makeServiceAccount();
  const environment = { KUBERNETES_SERVICE_HOST: '10.0.0.1', KUBERNETES_SERVICE_PORT: '443' };
  const found = await loadKubeConfig({ environment, serviceAccount: path });
  if (!found.ok) throw new Error(found.error.message);
  expect(found.value).toMatchObject({ server: 'https://10.0.0.1:443', namespace: 'kuik-system' });
  expect(await found.value.transport()).toEqual({ ca: 'an authority' });
  expect(await found.value.authorization()).toBe('Bearer first');
  // Kubernetes renews both by the hour.
  write('token', 'second');
  write('ca.crt', 'another');
  expect(await found.value.authorization()).toBe('Bearer second');
  expect(await found.value.transport()).toEqual({ ca: 'another' });
});

test('an address of version 6 stands in brackets', async () => {
  const { path } = makeServiceAccount();
  const environment = { KUBERNETES_SERVICE_HOST: 'fd00::1', KUBERNETES_SERVICE_PORT: '6443' };
  const found = await loadKubeConfig({ environment, serviceAccount: path });
  expect(found).toMatchObject({ ok: true, value: { server: 'https://[fd00::1]:6443' } });
});

test('with a service account nothing loads the library that reads kubeconfigs', () => {
  const { path } = makeServiceAccount();
  const script = `
    import { registerHooks } from 'node:module';
    const loaded = [];
    registerHooks({ load: (url, context, next) => (loaded.push(url), next(url, context)) });
    await import('./src/operator.ts');
    const { loadKubeConfig } = await import('./src/kube/kube-config.ts');
    const environment = { KUBERNETES_SERVICE_HOST: '10.0.0.1' };
    const found = await loadKubeConfig({ environment, serviceAccount: process.env.DIRECTORY });
    const library = loaded.filter((url) => url.includes('@kubernetes/client-node'));
    console.log(JSON.stringify({ ok: found.ok, modules: loaded.length, library }));
  `;
  const said = execFileSync(process.execPath, ['--input-type=module', '-e', script], {
    ...{ cwd: root, encoding: 'utf8' },
    env: { ...process.env, DIRECTORY: path },
  });
  const { ok, modules, library } = JSON.parse(said) as Readonly<Record<string, unknown>>;
  expect({ ok, library }).toEqual({ ok: true, library: [] });
  expect(modules).toBeGreaterThan(100);
});
