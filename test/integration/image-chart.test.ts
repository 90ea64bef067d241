import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { pushLayout } from '#scripts/image/copy-layout.ts';
import {
  buildChartArtifact,
  type ChartArtifact,
  readChartMetadata,
} from '#scripts/release/chart-artifact.ts';
import { cacheRoot } from '#test/support/binaries/binaries.ts';
import { type TemporaryDirectory, temporaryDirectory } from '#test/support/processes/guardian.ts';
import { startRegistry, type TestRegistry } from '#test/support/registries/registry.ts';
import { registryRequest } from '#test/support/registries/registry-request.ts';

const chart = join(import.meta.dirname, '..', '..', 'chart');
const { version } = readChartMetadata(chart);
let directory: TemporaryDirectory;
let registry: TestRegistry;
let built: ChartArtifact;

beforeAll(async () => {
  directory = temporaryDirectory('chart');
  registry = await startRegistry();
  const layout = join(directory.path, 'oci');
  built = await buildChartArtifact(chart, layout);
  const reference = { registry: registry.host, path: 'charts/kuik', tag: version };
  const pushed = await pushLayout(layout, { reference, isPlainHttp: true, credentials: [] });
  if (pushed.kind === 'failed') throw new Error(pushed.message);
});

afterAll(async () => {
  await registry?.remove();
  directory?.remove();
});

test('a registry has the chart under its version, with the types that Helm looks for', async () => {
  const answer = await registryRequest(registry, {
    path: `/v2/charts/kuik/manifests/${version}`,
    headers: { accept: 'application/vnd.oci.image.manifest.v1+json' },
  });
  expect(answer.headers['docker-content-digest']).toBe(built.manifest.digest);
  const { config, layers } = JSON.parse(answer.body.toString('utf8'));
  expect(config.mediaType).toBe('application/vnd.cncf.helm.config.v1+json');
  const [layer] = layers;
  const archive = await registryRequest(registry, {
    path: `/v2/charts/kuik/blobs/${layer.digest}`,
  });
  expect(Buffer.from(archive.body).equals(built.archive)).toBe(true);
});

test('where Helm is at hand, it pulls the chart from there and renders it', () => {
  const helm = keptHelm();
  if (helm === undefined) return;
  const env = { PATH: process.env['PATH'], HOME: directory.path };
  const run = (...args: readonly string[]) => {
    const { status, stdout, stderr } = spawnSync(helm, args, { env, encoding: 'utf8' });
    expect(stderr.replace(/^(Pulled|Digest):.*\n/gm, '')).not.toMatch(/Error/);
    expect(status).toBe(0);
    return stdout + stderr;
  };
  const from = `oci://${registry.host}/charts/kuik`;
  const said = run('pull', from, '--version', version, '--plain-http', '-d', directory.path);
  expect(said).toContain(built.manifest.digest);
  const pulled = readFileSync(join(directory.path, built.fileName));
  expect(pulled.equals(built.archive)).toBe(true);
  const rendered = run('template', 'kuik', join(directory.path, built.fileName));
  expect(rendered).toContain('kind: ClusterRole');
});

test('a release that is neither dry nor told where to go makes nothing, and says how', () => {
  const script = join(chart, '..', 'scripts', 'release.ts');
  const said = spawnSync(process.execPath, [script], { cwd: directory.path, encoding: 'utf8' });
  expect(said.status).toBe(2);
  expect(said.stdout).toContain('npm run release -- --dry-run | --publish REGISTRY/PATH');
  expect(existsSync(join(directory.path, 'release'))).toBe(false);
});

/** Of any version that is kept. */
function keptHelm(): string | undefined {
  const root = cacheRoot(process.env);
  return readdirSync(root)
    .map((name) => join(root, name, 'helm'))
    .find((path) => existsSync(path));
}
