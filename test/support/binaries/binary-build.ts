import { spawn } from 'node:child_process';
import { mkdir, rename } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fail, type Result, succeed } from '#core/result.ts';
import { guard } from '#test/support/processes/guardian.ts';
import { type Binary, goModuleDirectory } from './binary-source.ts';
import type { Progress } from './progress.ts';

/** What a build needs besides the programs' names. */
export interface BuildOptions {
  /** For what is half done; on the same file system as the targets. */
  readonly workspace: string;
  readonly env: NodeJS.ProcessEnv;
  readonly progress: Progress;
}

/** Enough of the compiler's last words to see what went wrong. */
const errorLinesMax = 12;

/** Builds programs from the pinned module and moves each to its target. Takes minutes when cold. */
export async function buildWithGo(
  targets: readonly { readonly binary: Binary; readonly target: string }[],
  options: BuildOptions,
): Promise<Result<void, string>> {
  const output = join(options.workspace, 'built');
  await mkdir(output, { recursive: true });
  const flags = ['-v', '-trimpath', `-ldflags=${linkerFlags(targets)}`, '-o', `${output}/`];
  const packages = targets.map(({ binary }) => binary.goPackage);
  const built = await run(['build', ...flags, ...packages], names(targets), options);
  if (!built.ok) return built;
  for (const { binary, target } of targets) {
    await mkdir(dirname(target), { recursive: true });
    await rename(join(output, binary.goOutput), target);
  }
  return succeed(undefined);
}

function names(targets: readonly { readonly binary: Binary }[]): string {
  return targets.map(({ binary }) => binary.name).join(', ');
}

/** Without its version kube-apiserver refuses to start: it compares it with its feature gates. */
function linkerFlags(targets: readonly { readonly binary: Binary }[]): string {
  const kubernetes = targets.find(({ binary }) =>
    binary.goPackage.startsWith('k8s.io/kubernetes/'),
  );
  if (kubernetes === undefined) return '-s -w';
  const { version } = kubernetes.binary;
  const [major, minor] = version.slice(1).split('.');
  const key = 'k8s.io/component-base/version';
  const values = { gitVersion: version, gitMajor: major, gitMinor: minor };
  const set = Object.entries(values).map(([name, value]) => `-X ${key}.${name}=${value}`);
  return ['-s -w', ...set].join(' ');
}

async function run(
  args: readonly string[],
  title: string,
  options: BuildOptions,
): Promise<Result<void, string>> {
  const { promise, resolve } = Promise.withResolvers<Result<void, string>>();
  const child = spawn('go', args, {
    cwd: goModuleDirectory,
    env: { ...options.env, CGO_ENABLED: '0' },
    stdio: ['ignore', 'ignore', 'pipe'],
    // A group of its own, so that the compilers it starts end with it.
    detached: true,
  });
  const release = child.pid === undefined ? () => {} : guard(child.pid);
  let compiled = 0;
  let last: string[] = [];
  child.stderr.setEncoding('utf8').on('data', (chunk: string) => {
    const lines = chunk.split('\n').filter((line) => line !== '');
    compiled += lines.filter((line) => /^[\w.-]+(\/\S+)*$/.test(line)).length;
    last = [...last, ...lines].slice(-errorLinesMax);
  });
  const done = options.progress.start(`Building ${title} with Go (minutes, once)`, () =>
    compiled === 0 ? (last.at(-1) ?? '') : `${compiled} packages`,
  );
  child.once('error', (error: NodeJS.ErrnoException) => {
    resolve(fail(error.code === 'ENOENT' ? '`go` is not on PATH.' : error.message));
  });
  child.once('close', (code, signal) => {
    if (code === 0) resolve(succeed(undefined));
    else resolve(fail(`go build ended with ${signal ?? code}:\n       ${last.join('\n       ')}`));
  });
  const outcome = await promise;
  release();
  done(outcome.ok ? 'done' : 'failed');
  return outcome;
}
