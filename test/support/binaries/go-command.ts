import { spawn } from 'node:child_process';
import { fail, type Result, succeed } from '#core/result.ts';
import { guard } from '#test/support/processes/guardian.ts';
import type { Progress } from './progress.ts';

/** One run of Go, and what is shown meanwhile. */
export interface GoCommand {
  /** The module that pins the versions. */
  readonly directory: string;
  readonly args: readonly string[];
  readonly title: string;
  /** Called with each line that it writes about its work. */
  readonly onLine: (line: string) => void;
  /** How far it is; asked whenever progress is shown. */
  readonly detail: () => string;
}

/** What every run of Go shares. */
export interface GoSettings {
  readonly env: NodeJS.ProcessEnv;
  readonly progress: Progress;
  /** Ends the compilers. What they have finished stays in Go's own cache. */
  readonly signal?: AbortSignal | undefined;
}

/** Enough of the compiler's last words to see what went wrong. */
const errorLinesMax = 12;
/** The compilers live for seconds and machines have memory: 4 of 20 s went into collecting it. */
const compilerGcPercent = '400';

/** Runs Go in a module; answers what it wrote to standard output. */
export async function runGo(
  command: GoCommand,
  settings: GoSettings,
): Promise<Result<string, string>> {
  const { env, signal } = settings;
  const isStopped = () => signal?.aborted === true;
  if (isStopped()) return fail('stopped');
  const { promise, resolve } = Promise.withResolvers<Result<string, string>>();
  const child = spawn('go', command.args, {
    cwd: command.directory,
    env: { GOGC: compilerGcPercent, ...env, CGO_ENABLED: '0', GOWORK: 'off' },
    stdio: ['ignore', 'pipe', 'pipe'],
    // A group of its own, so that the compilers it starts end with it.
    detached: true,
  });
  const { pid } = child;
  const release = pid === undefined ? () => {} : guard(pid);
  const stop = () => pid !== undefined && process.kill(-pid, 'SIGTERM');
  signal?.addEventListener('abort', stop, { once: true });
  let output = '';
  let last: string[] = [];
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
    output += chunk;
  });
  child.stderr.setEncoding('utf8').on('data', (chunk: string) => {
    const lines = chunk.split('\n').filter((line) => line !== '');
    for (const line of lines) command.onLine(line);
    last = [...last, ...lines].slice(-errorLinesMax);
  });
  const done = settings.progress.start(command.title, command.detail);
  child.once('error', (error: NodeJS.ErrnoException) => {
    resolve(fail(error.code === 'ENOENT' ? '`go` is not on PATH.' : error.message));
  });
  child.once('close', (code, ended) => {
    if (code === 0) resolve(succeed(output));
    else resolve(fail(`go ended with ${ended ?? code}:\n       ${last.join('\n       ')}`));
  });
  const outcome = await promise;
  signal?.removeEventListener('abort', stop);
  release();
  const word = outcome.ok ? 'done' : 'failed';
  done(isStopped() ? 'stopped' : word);
  return outcome;
}
