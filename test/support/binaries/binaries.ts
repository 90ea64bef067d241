import { accessSync, constants, statSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { buildWithGo } from './binary-build.ts';
import { downloadRelease, type ReleaseHosts, releaseHosts } from './binary-release.ts';
import { type Binary, type BinaryName, binary } from './binary-source.ts';
import { withInstallLock } from './install-lock.ts';
import { type Progress, terminalProgress } from './progress.ts';

/** Where to look, and how to report; the defaults are the machine's own. */
export interface FindOptions {
  readonly env?: NodeJS.ProcessEnv;
  readonly hosts?: ReleaseHosts;
  readonly progress?: Progress;
  /** Stops downloads and compilers; what is half done is removed. */
  readonly signal?: AbortSignal;
}

/**
 * Path of a program that can be run: from `KUBEBUILDER_ASSETS`, the cache, the project's own
 * release, or built with Go, in this order. Throws one error that names all four ways.
 */
export async function findBinary(name: BinaryName, options: FindOptions = {}): Promise<string> {
  const [path] = await findBinaries([name], options);
  if (path === undefined) throw new Error(`Expected a path for ${name}, got none.`);
  return path;
}

/** As `findBinary` for several at once: what has to be built is built in one run of Go. */
export async function findBinaries(
  names: readonly BinaryName[],
  options: FindOptions = {},
): Promise<string[]> {
  const env = options.env ?? process.env;
  const missing = missingBinaries(names, env);
  if (missing.length > 0) await install(missing, env, options);
  return names.map((name) => {
    const path = present(binary(name), env);
    if (path === undefined) throw new Error(`${name} was installed and then disappeared.`);
    return path;
  });
}

/** Those that would have to be downloaded or built first. */
export function missingBinaries(names: readonly BinaryName[], env: NodeJS.ProcessEnv): Binary[] {
  return names.map(binary).filter((one) => present(one, env) === undefined);
}

/** The directory that holds all versions; `XDG_CACHE_HOME` moves it. */
export function cacheRoot(env: NodeJS.ProcessEnv): string {
  return join(env['XDG_CACHE_HOME'] || join(env['HOME'] || homedir(), '.cache'), 'kuik');
}

/** Where the cache keeps one program; the platform is part of it, since homes are shared. */
export function cachePath(wanted: Binary, env: NodeJS.ProcessEnv): string {
  const platform = `${process.platform}-${process.arch === 'x64' ? 'amd64' : process.arch}`;
  return join(cacheRoot(env), `${wanted.version}-${platform}`, wanted.name);
}

function present(wanted: Binary, env: NodeJS.ProcessEnv): string | undefined {
  const assets = env['KUBEBUILDER_ASSETS'];
  const places = [cachePath(wanted, env)];
  if (assets) places.unshift(join(assets, wanted.name));
  return places.find(runnable);
}

function runnable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile();
  } catch {
    return false;
  }
}

async function install(
  wanted: readonly Binary[],
  env: NodeJS.ProcessEnv,
  options: FindOptions,
): Promise<void> {
  const { hosts = releaseHosts, progress = terminalProgress(), signal } = options;
  await withInstallLock(cacheRoot(env), { progress, signal }, async (workspace) => {
    // Another run may have installed them while this one waited.
    const absent = wanted.filter((one) => present(one, env) === undefined);
    const why = new Map<string, string>();
    const unreachable = new Map<string, string>();
    for (const [index, one] of absent.entries()) {
      const title = `Downloading ${one.name} ${one.version}, ${index + 1} of ${absent.length}`;
      const path = cachePath(one, env);
      const details = { hosts, workspace, target: path, title, progress, unreachable, signal };
      const outcome = await downloadRelease(one, details);
      if (!outcome.ok) why.set(one.name, outcome.error);
    }
    const left = absent.filter((one) => why.has(one.name));
    if (left.length === 0) return;
    const targets = left.map((one) => ({ binary: one, path: cachePath(one, env) }));
    const built = await buildWithGo(targets, { workspace, env, progress, signal });
    if (!built.ok) throw new Error(notFound({ left, why, env, goError: built.error }));
  });
}

function notFound(details: {
  readonly left: readonly Binary[];
  readonly why: ReadonlyMap<string, string>;
  readonly env: NodeJS.ProcessEnv;
  readonly goError: string;
}): string {
  const { left, why, env, goError } = details;
  const assets = env['KUBEBUILDER_ASSETS'];
  const names = left.map((one) => `${one.name} ${one.version}`).join(', ');
  const lines = [
    `Not found: ${names}. Any one of these four ways provides them; each was tried:`,
    `  1. KUBEBUILDER_ASSETS: ${assets ? `${assets} does not hold them all` : 'not set'}.`,
    '  2. The cache. Put them at:',
    ...left.map((one) => `       ${cachePath(one, env)}`),
    '  3. The released binaries, downloaded and checked against their SHA-256:',
    ...left.map((one) => `       ${one.name}: ${why.get(one.name) ?? 'not tried'}`),
    `  4. Go 1.26 or newer on PATH, with a module proxy (test/controlplane/go.mod): ${goError}`,
  ];
  return lines.join('\n');
}
