import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type ImageReference, parseReference } from '#core/image/reference.ts';
import { version } from '#core/version.ts';
import { pullIntoLayout, pushLayout } from '#scripts/image/copy-layout.ts';
import { type Architecture, machineArchitecture, userId } from '#scripts/image/image-runtime.ts';
import { createLayout, readLayoutTop, writeLayoutIndex } from '#scripts/image/layout.ts';
import { makeRelease, releaseParts } from '#scripts/release/make-release.ts';
import { releaseVersions } from '#scripts/release/release-versions.ts';
import { freshNamespace } from '#test/support/api-server/plane.ts';
import { cachePath } from '#test/support/binaries/binaries.ts';
import { binary } from '#test/support/binaries/binary-source.ts';
import {
  type AdmissionStage,
  startAdmissionStage,
} from '#test/support/operator/admission-stage.ts';
import { createPod, oneContainer } from '#test/support/operator/created-pod.ts';
import { inImage } from '#test/support/operator/in-image.ts';
import { type UnpackedImage, unpackImage } from '#test/support/operator/unpacked-image.ts';
import { type TemporaryDirectory, temporaryDirectory } from '#test/support/processes/guardian.ts';
import { pushImage } from '#test/support/registries/images.ts';
import { startRegistry, type TestRegistry } from '#test/support/registries/registry.ts';
import { registryPassword } from '#test/support/registries/registry-request.ts';
import { operatorLeftOut } from '#test/support/time/eventually.ts';

/**
 * The image as a node has it: made here, pushed to a real registry, pulled from there, unpacked, and
 * nothing else of this repository in sight.
 */
const root = join(import.meta.dirname, '..', '..');
const machine: Architecture = machineArchitecture() ?? 'amd64';
let directory: TemporaryDirectory;
let layout: string;
let registry: TestRegistry;
let pushed: { readonly digest: string };
let image: UnpackedImage;

beforeAll(async () => {
  if (operatorLeftOut) throw new Error('Expected an operator to start from the image.');
  directory = temporaryDirectory('image');
  const release = join(directory.path, 'release');
  layout = join(release, releaseParts.image);
  [registry] = await Promise.all([startRegistry({ users: ['alice'] }), makeTestRelease(release)]);
  const outcome = await pushLayout(layout, remote());
  if (outcome.kind === 'failed') throw new Error(outcome.message);
  pushed = outcome;
  const pulled = await pull({ digest: pushed.digest });
  image = await unpackImage(pulled, machine, join(directory.path, 'root'));
});

afterAll(async () => {
  await registry?.remove();
  directory?.remove();
});

/** Of Debian's packages for all; without a network, of what this machine has for itself. */
async function makeTestRelease(into: string): Promise<void> {
  const options = {
    ...{ root, directory: into, versions: releaseVersions(root), revision: undefined },
    ...{ builder: 'https://example.com/tests', onProgress: () => undefined },
  };
  const made = await makeRelease({ ...options, base: 'debian' });
  if (made.ok) return;
  const own = await makeRelease({ ...options, base: 'machine', architectures: [machine] });
  if (!own.ok) throw new Error(`${made.error}; ${own.error}`);
}

function remote(named: Pick<ImageReference, 'tag' | 'digest'> = { tag: version }) {
  const reference = parseReference(`${registry.host}/team/kuik`);
  if (!reference.ok) throw new Error(reference.error.message);
  const alice = { source: 'test', username: 'alice', password: registryPassword };
  return {
    reference: { ...reference.value, ...named },
    isPlainHttp: true,
    credentials: [alice],
  };
}

/** Into a layout of its own, by digest: all of it, as it was pushed. */
async function pull(named: { readonly digest: string }): Promise<string> {
  const into = join(directory.path, 'pulled');
  await createLayout(into);
  const outcome = await pullIntoLayout(into, remote(named), []);
  if (outcome.kind === 'failed') throw new Error(outcome.message);
  const mediaType = 'application/vnd.oci.image.index.v1+json';
  await writeLayoutIndex(into, { digest: outcome.digest, size: 0, mediaType }, version);
  return into;
}

async function runInImage(command: readonly string[]) {
  const {
    command: program,
    args,
    env,
  } = inImage(
    {
      ...image,
      configuration: {
        ...image.configuration,
        config: { ...image.configuration.config, Entrypoint: command },
      },
    },
    [],
  );
  return spawnSync(program, args, { env, encoding: 'utf8' });
}

test('a registry holds the image under the digest that was built, and hands it back whole', async () => {
  expect(pushed.digest).toBe((await readLayoutTop(layout)).digest);
  expect(image.configuration.architecture).toBe(machine);
  expect(image.configuration.config.User).toBe(`${userId}:${userId}`);
});

test('a release has all its parts, and each is what its checksum says', () => {
  const release = join(directory.path, 'release');
  const { image: _, chart: __, ...files } = releaseParts;
  const names = [...Object.values(files), `kuik-${version}.tgz`, 'SHA256SUMS'];
  expect(names.filter((name) => !existsSync(join(release, name)))).toEqual([]);
  const checked = spawnSync('sha256sum', ['--check', '--strict', '--quiet', 'SHA256SUMS'], {
    cwd: release,
    encoding: 'utf8',
  });
  expect(checked.stdout + checked.stderr).toBe('');
  expect(checked.status).toBe(0);
  const statement = JSON.parse(readFileSync(join(release, releaseParts.provenance), 'utf8'));
  const [image] = statement.subject;
  expect(`sha256:${image.digest.sha256}`).toBe(pushed.digest);
});

test('where crane is at hand, it finds the pushed image valid for both architectures', () => {
  const crane = cachePath(binary('crane'), process.env);
  if (!existsSync(crane)) return;
  const env = { ...process.env, DOCKER_CONFIG: directory.path };
  const login = ['auth', 'login', registry.host, '-u', 'alice', '-p', registryPassword];
  spawnSync(crane, login, { env });
  const name = `${registry.host}/team/kuik:${version}`;
  const checked = spawnSync(crane, ['validate', '--fast', '--insecure', '--remote', name], {
    env,
    encoding: 'utf8',
  });
  expect(checked.stdout + checked.stderr).toContain('PASS');
});

test('the command line works in the image, and there is no shell', async () => {
  const said = await runInImage(['/usr/local/bin/kuik', '--version']);
  expect(said.stdout).toBe(`${version}\n`);
  expect(said.stderr).toBe('');
  const shells = ['bin/sh', 'usr/bin/sh', 'bin/bash', 'usr/bin/env'];
  expect(shells.filter((path) => existsSync(join(image.root, path)))).toEqual([]);
});

test('whoever runs in it can write nowhere', async () => {
  const script = `
    const { writeFileSync } = require('node:fs');
    const places = ['/x', '/tmp/x', '/opt/kuik/x', '/opt/kuik/dist/kuik.cjs', '/usr/local/bin/node'];
    const tried = places.map((place) => {
      try { writeFileSync(place, ''); return 'written'; } catch (error) { return error.code; }
    });
    console.log(JSON.stringify({ user: process.getuid(), tried }));
  `;
  const said = await runInImage(['/usr/local/bin/node', '-e', script]);
  const { user, tried } = JSON.parse(said.stdout);
  if (process.getuid?.() === 0) expect(user).toBe(userId);
  expect(new Set(tried)).toEqual(new Set(['EROFS']));
});

test('the operator runs from the layers alone, and a Pod is routed', async () => {
  const other = await startRegistry();
  let stage: AdmissionStage | undefined;
  try {
    stage = await startAdmissionStage({ image });
    await pushImage(other, 'team/app:1');
    const namespace = await freshNamespace();
    const gone = await startRegistry();
    const upstreams = [gone, other].map(({ host }) => ({
      registry: host,
      imageFilter: { include: ['/team/.+'] },
    }));
    await stage.declare('ReplicatedImageSet', { name: 'equal', namespace, spec: { upstreams } });
    const asked = `${gone.host}/team/app:1`;
    const there = `${other.host}/team/app:1`;
    await stage.proposed(namespace, asked, there);
    await gone.remove();
    const { pod } = await createPod(namespace, oneContainer(asked));
    expect(pod.spec.containers[0].image).toBe(there);
    const page = `${stage.operator.debugUrl}/debug/`;
    const index = await fetch(page, { headers: { accept: 'text/html' } });
    const [main = ''] = /page\/[0-9a-f]{16}\/main\.js/.exec(await index.text()) ?? [];
    expect(await (await fetch(`${page}${main}`)).text()).toContain("from './shell.js'");
    // It says nothing but its log: no warning of Node, of the loader, or of a missing file.
    const lines = stage.operator.logs().trim().split('\n');
    expect(lines.filter((line) => !line.startsWith('{'))).toEqual([]);
  } finally {
    await stage?.stop();
    await other.remove();
  }
});
