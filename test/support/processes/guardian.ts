import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import type { Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/**
 * Ends the process group that `pid` leads when this process is gone, however it went. The returned
 * function lifts that, once the group has ended by itself.
 *
 * One small shell script a process does it: it is in a session of its own, so Ctrl-C does not reach
 * it, and it waits for the end of a pipe whose other end the kernel closes when we die.
 */
export function guard(pid: number): () => void {
  tell(`watch ${pid}`);
  return () => tell(`forget ${pid}`);
}

/** A directory that is removed by `remove`, or by the guardian when this process dies first. */
export interface TemporaryDirectory {
  readonly path: string;
  readonly remove: () => void;
}

/** A fresh directory below the system's own for temporary files. */
export function temporaryDirectory(purpose: string): TemporaryDirectory {
  const path = mkdtempSync(join(tmpdir(), `kuik-${purpose}-`));
  tell(`remove ${path}`);
  return {
    path,
    remove: () => {
      rmSync(path, { recursive: true, force: true, maxRetries: 5 });
      tell(`keep ${path}`);
    },
  };
}

let pipe: NodeJS.WritableStream | undefined;

function tell(line: string): void {
  pipe ??= start();
  pipe.write(`${line}\n`);
}

function start(): NodeJS.WritableStream {
  const script = join(import.meta.dirname, 'guardian.sh');
  const child = spawn('sh', [script], { stdio: ['pipe', 'ignore', 'ignore'], detached: true });
  // Neither the guardian nor its pipe keeps this process from ending.
  child.unref();
  (child.stdin as unknown as Socket).unref();
  child.stdin.on('error', () => {});
  return child.stdin;
}
