import { createHash } from 'node:crypto';
import { once } from 'node:events';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { delimiter, dirname, join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { cachePath, cacheRoot, findBinaries, findBinary } from '#test/support/binaries/binaries.ts';
import { binary, demoBinaryNames } from '#test/support/binaries/binary-source.ts';
import { type Progress, silentProgress } from '#test/support/binaries/progress.ts';
import { type TemporaryDirectory, temporaryDirectory } from '#test/support/processes/guardian.ts';
import { eventually } from '#test/support/time/eventually.ts';

let directory: TemporaryDirectory;
/** No Go on this PATH, and a cache that nobody has filled. */
let env: NodeJS.ProcessEnv;
const progress = silentProgress;
const unused = 'http://127.0.0.1:9';
const nobody = { kubernetes: unused, github: unused, helm: unused };
const name = 'kube-apiserver';

beforeEach(() => {
  directory = temporaryDirectory('binaries');
  env = { XDG_CACHE_HOME: join(directory.path, 'cache'), PATH: join(directory.path, 'empty') };
});
afterEach(() => directory.remove());

test('KUBEBUILDER_ASSETS comes before the cache, and the cache before anything else', async () => {
  const assets = join(directory.path, 'assets');
  const cached = program(cachePath(binary(name), env));
  expect(await findBinary(name, { env, hosts: nobody, progress })).toBe(cached);
  const own = program(join(assets, name));
  const withAssets = { ...env, KUBEBUILDER_ASSETS: assets };
  expect(await findBinary(name, { env: withAssets, hosts: nobody, progress })).toBe(own);
});

test('each program is looked for by itself: assets without a manager leave it to the cache', async () => {
  const assets = join(directory.path, 'assets');
  program(join(assets, 'kube-apiserver'));
  const cached = program(cachePath(binary('kube-controller-manager'), env));
  const found = await findBinary('kube-controller-manager', {
    env: { ...env, KUBEBUILDER_ASSETS: assets },
    hosts: nobody,
    progress,
  });
  expect(found).toBe(cached);
});

test('with no way left, one error names all four', async () => {
  const failure = await findBinary(name, { env, hosts: nobody, progress }).catch(String);
  expect(failure).toContain(`Not found: ${name} ${binary(name).version}.`);
  expect(failure).toContain('1. KUBEBUILDER_ASSETS: not set.');
  expect(failure).toContain(cachePath(binary(name), env));
  expect(failure).toMatch(/127\.0\.0\.1:9 could not be reached/);
  expect(failure).toContain('`go` is not on PATH.');
});

test('what is missing is built by one run of Go, which says how much of how much', async () => {
  const path = goThat(`
    if [ "$1" = list ]; then
      echo "go: downloading k8s.io/api v0.34.4" >&2
      printf 'errors\\nio\\nk8s.io/kubernetes/cmd/kube-apiserver\\n'
    else
      printf 'errors\\nio\\ngo: a word in between\\n' >&2
      for target in server registry kube-apiserver; do : > "$4$target"; chmod +x "$4$target"; done
    fi`);
  const steps = recordedProgress();
  const found = await findBinaries(demoBinaryNames, {
    env: { ...env, PATH: path },
    hosts: nobody,
    progress: steps.progress,
  });
  expect(found).toEqual(demoBinaryNames.map((one) => cachePath(binary(one), env)));
  expect(steps.seen).toEqual([
    expect.stringMatching(
      /^Sources of etcd, registry, kube-apiserver: module 1 of at most \d+: done$/,
    ),
    'Building etcd, registry, kube-apiserver: 2 of 3 packages: done',
  ]);
});

test('the demo needs no controller manager', () => {
  expect(demoBinaryNames).not.toContain('kube-controller-manager');
});

test('whoever stops a build leaves neither compilers nor half a program', async () => {
  const marker = join(directory.path, 'pid');
  const path = goThat(`echo $$ > ${marker}; sleep 300`);
  const stopped = new AbortController();
  const finding = findBinary(name, {
    env: { ...env, PATH: path },
    hosts: nobody,
    progress,
    signal: stopped.signal,
  }).catch(String);
  const pid = await eventually('Go runs', () => existsSync(marker) && readFileSync(marker, 'utf8'));
  stopped.abort();
  expect(await finding).toContain('go ended with SIGTERM');
  await eventually('its group is gone', () => {
    try {
      return !process.kill(-Number(pid), 0);
    } catch {
      return true;
    }
  });
  expect(readdirSync(cacheRoot(env))).toEqual([]);
});

const onLinux = test.runIf(process.platform === 'linux');

onLinux('a released binary is taken when it has the published SHA-256', async () => {
  await using host = await releaseHost('#!/bin/sh\nexit 0\n');
  const found = await findBinary(name, { env, hosts: host.hosts, progress });
  expect(found).toBe(cachePath(binary(name), env));
  expect(readFileSync(found, 'utf8')).toBe('#!/bin/sh\nexit 0\n');
});

onLinux('a released binary with another SHA-256 is refused', async () => {
  await using host = await releaseHost('tampered', createHash('sha256').update('real'));
  const failure = await findBinary(name, { env, hosts: host.hosts, progress }).catch(String);
  expect(failure).toMatch(/has SHA-256 \w{64}, expected the published \w{64}/);
  expect(readdirSync(cacheRoot(env))).toEqual([]);
});

onLinux('two runs at once install once', async () => {
  await using host = await releaseHost('program');
  const find = () => findBinary(name, { env, hosts: host.hosts, progress });
  const [one, other] = await Promise.all([find(), find()]);
  expect(one).toBe(other);
  expect(host.downloads()).toBe(1);
});

onLinux('what a killed run left behind, its lock included, is cleared away', async () => {
  const root = cacheRoot(env);
  mkdirSync(join(root, '.partial-old'), { recursive: true });
  const lock = join(root, '.lock');
  writeFileSync(lock, '1\n');
  const longAgo = new Date(Date.now() - 3_600_000);
  utimesSync(lock, longAgo, longAgo);
  await using host = await releaseHost('program');
  const found = await findBinary(name, { env, hosts: host.hosts, progress });
  expect(readdirSync(root)).toEqual([dirname(found).slice(root.length + 1)]);
});

/** A PATH on which `go` is this script; the system's own programs follow. */
function goThat(script: string): string {
  const folder = join(directory.path, 'bin');
  mkdirSync(folder);
  writeFileSync(join(folder, 'go'), `#!/bin/sh\n${script}\n`, { mode: 0o755 });
  return [folder, '/usr/bin', '/bin'].join(delimiter);
}

/** Each step as it ended: what it was, how far it had come, and how it came out. */
function recordedProgress(): { readonly progress: Progress; readonly seen: string[] } {
  const seen: string[] = [];
  const start: Progress['start'] = (title, detail) => (outcome) => {
    seen.push(`${title}: ${detail?.()}: ${outcome}`);
  };
  return { progress: { start }, seen };
}

function program(path: string): string {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, '#!/bin/sh\n');
  chmodSync(path, 0o755);
  return path;
}

/** A host that publishes `content` with its hash, or with another. */
async function releaseHost(content: string, hash = createHash('sha256').update(content)) {
  const published = hash.digest('hex');
  let downloads = 0;
  const server = createServer((request, response) => {
    if (request.url?.endsWith('.sha256')) return response.end(published);
    downloads += 1;
    return response.end(content);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    hosts: { kubernetes: base, github: base, helm: base },
    downloads: () => downloads,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}
