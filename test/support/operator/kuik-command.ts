import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { startChild } from '#test/support/processes/child-process.ts';
import { temporaryDirectory } from '#test/support/processes/guardian.ts';
import { entryPoint } from './shipped-node.ts';

/** How one run of the command ended, and what it wrote to both streams. */
export interface CommandRun {
  readonly code: number | null;
  readonly text: string;
}

/** Runs `kuik` in a process of its own, in a terminal of 80 columns, until it ends by itself. */
export async function runKuik(
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<CommandRun> {
  const directory = temporaryDirectory('command');
  try {
    const logFile = join(directory.path, 'output');
    const child = await startChild({
      name: `kuik ${args[0] ?? ''}`,
      command: process.execPath,
      args: [entryPoint, ...args],
      logFile,
      env: { PATH: process.env['PATH'], HOME: directory.path, COLUMNS: '80', ...env },
    });
    const { code } = await child.exited;
    return { code, text: readFileSync(logFile, 'utf8') };
  } finally {
    directory.remove();
  }
}
