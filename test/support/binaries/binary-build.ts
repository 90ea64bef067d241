import { readFileSync } from 'node:fs';
import { mkdir, rename } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { type Result, succeed } from '#core/result.ts';
import type { Binary } from './binary-source.ts';
import { type GoSettings, runGo } from './go-command.ts';

/** A program and where it belongs. */
export interface BuildTarget {
  readonly binary: Binary;
  readonly path: string;
}

/** What a build needs besides the programs' names. */
export interface BuildOptions extends GoSettings {
  /** For what is half done; on the same file system as the targets. */
  readonly workspace: string;
}

/** Builds programs from the modules that pin them, one module after the other. */
export async function buildWithGo(
  targets: readonly BuildTarget[],
  options: BuildOptions,
): Promise<Result<void, string>> {
  const byModule = Map.groupBy(targets, ({ binary }) => binary.goModule);
  for (const [directory, ofModule] of byModule) {
    const built = await buildModule(directory, ofModule, options);
    if (!built.ok) return built;
  }
  return succeed(undefined);
}

/**
 * Builds programs from one module and moves each to its place. Minutes when cold: all in one
 * run, since they share two thirds of their packages. First Go is asked how many packages that is.
 */
async function buildModule(
  directory: string,
  targets: readonly BuildTarget[],
  options: BuildOptions,
): Promise<Result<void, string>> {
  const names = targets.map(({ binary }) => binary.name).join(', ');
  const what = [...buildFlags(targets), ...targets.map(({ binary }) => binary.goPackage)];
  const stale = await packagesToCompile({ names, what, directory }, options);
  if (!stale.ok) return stale;
  const output = join(options.workspace, 'built');
  await mkdir(output, { recursive: true });
  const total = stale.value;
  let compiled = 0;
  const built = await runGo(
    {
      directory,
      args: ['build', '-v', '-o', `${output}/`, ...what],
      title: `Building ${names}`,
      // With -v Go names each package when its turn comes; everything else is a complaint.
      onLine: (line) => {
        if (/^[\w.-]+(\/\S+)*$/.test(line)) compiled += 1;
      },
      detail: () => (compiled < total ? `${compiled} of ${total} packages` : 'linking'),
    },
    options,
  );
  if (!built.ok) return built;
  for (const { binary, path } of targets) {
    await mkdir(dirname(path), { recursive: true });
    await rename(join(output, binary.goOutput), path);
  }
  return succeed(undefined);
}

/** How many packages Go's cache does not hold yet; their sources are fetched on the way. */
async function packagesToCompile(
  {
    names,
    what,
    directory,
  }: { readonly names: string; readonly what: readonly string[]; readonly directory: string },
  options: BuildOptions,
): Promise<Result<number, string>> {
  const total = pinnedModules(directory);
  let fetched = 0;
  const listed = await runGo(
    {
      directory,
      args: ['list', '-deps', '-f', '{{if .Stale}}{{.ImportPath}}{{end}}', ...what],
      title: `Sources of ${names}`,
      onLine: (line) => {
        if (line.startsWith('go: downloading ')) fetched += 1;
      },
      detail: () => (fetched === 0 ? '' : `module ${fetched} of at most ${total}`),
    },
    options,
  );
  if (!listed.ok) return listed;
  return succeed(listed.value.split('\n').filter((line) => line !== '').length);
}

function pinnedModules(directory: string): number {
  const pinned = readFileSync(join(directory, 'go.mod'), 'utf8');
  return [...pinned.matchAll(/^(?:require |\t)\S+ v\S/gm)].length;
}

/** Debug information would be compiled for minutes and then left out by the linker. */
function buildFlags(targets: readonly BuildTarget[]): string[] {
  const linker = ['-s -w', ...versionFlags(targets)].join(' ');
  return ['-trimpath', '-buildvcs=false', '-gcflags=all=-dwarf=false', `-ldflags=${linker}`];
}

/** Without its version kube-apiserver refuses to start: it compares it with its feature gates. */
function versionFlags(targets: readonly BuildTarget[]): string[] {
  const kubernetes = targets.find(({ binary }) =>
    binary.goPackage.startsWith('k8s.io/kubernetes/'),
  );
  if (kubernetes === undefined) return [];
  const { version } = kubernetes.binary;
  const [major, minor] = version.slice(1).split('.');
  const values = { gitVersion: version, gitMajor: major, gitMinor: minor };
  return Object.entries(values).map(
    ([name, value]) => `-X k8s.io/component-base/version.${name}=${value}`,
  );
}
