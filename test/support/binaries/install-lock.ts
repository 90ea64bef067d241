import {
  mkdir,
  mkdtemp,
  open,
  readdir,
  readFile,
  rename,
  rm,
  stat,
  utimes,
} from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { Progress } from './progress.ts';

/** How often the holder shows that it lives, by the time stamp of its lock. */
const heartbeatMs = 1000;
/** A lock that nobody touched for this long was left by a process that was killed. */
const staleAfterMs = 15_000;
const pollMs = 250;
/** Longer than any build on a slow machine; then something else is wrong. */
const waitMsMax = 45 * 60_000;

/**
 * Runs `install` while no other process installs into `root`, with a fresh directory there for
 * what is half done: a rename from it to its place is atomic. Left-overs of killed runs are cleared.
 */
export async function withInstallLock<T>(
  root: string,
  options: LockOptions,
  install: (workspace: string) => Promise<T>,
): Promise<T> {
  await mkdir(root, { recursive: true });
  const lock = join(root, '.lock');
  await acquire(lock, options);
  const heartbeat = setInterval(() => {
    const now = new Date();
    utimes(lock, now, now).catch(() => {});
  }, heartbeatMs);
  try {
    for (const name of await readdir(root)) {
      if (name.startsWith('.partial-'))
        await rm(join(root, name), { recursive: true, force: true });
    }
    const workspace = await mkdtemp(join(root, '.partial-'));
    try {
      return await install(workspace);
    } finally {
      await rm(workspace, { recursive: true, force: true });
    }
  } finally {
    clearInterval(heartbeat);
    await rm(lock, { force: true });
  }
}

/** Who is told of a wait, and what ends it. */
export interface LockOptions {
  readonly progress: Progress;
  readonly signal?: AbortSignal | undefined;
}

async function acquire(lock: string, { progress, signal }: LockOptions): Promise<void> {
  const startedMs = performance.now();
  let done: ((outcome: string) => void) | undefined;
  while (!(await tryAcquire(lock))) {
    done ??= progress.start('Waiting for another run that installs the same binaries');
    if (performance.now() - startedMs > waitMsMax) {
      done('gave up');
      throw new Error(`Expected ${lock} to be released within 45 minutes, it was not.`);
    }
    await delay(pollMs, undefined, { signal });
  }
  done?.('its turn is over');
}

async function tryAcquire(lock: string): Promise<boolean> {
  try {
    const file = await open(lock, 'wx');
    await file.writeFile(`${process.pid}\n`);
    await file.close();
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  }
  await removeStale(lock);
  return false;
}

/**
 * Takes a dead holder's lock away. Two waiters may both judge it stale; the rename lets only one
 * have it, and at worst (a new holder between the look and the rename) two builds run side by
 * side, each of which moves whole files into place.
 */
async function removeStale(lock: string): Promise<void> {
  try {
    const { mtimeMs } = await stat(lock);
    const holder = Number.parseInt(await readFile(lock, 'utf8'), 10);
    if (Date.now() - mtimeMs < staleAfterMs && lives(holder)) return;
    const aside = `${lock}-stale-${process.pid}`;
    await rename(lock, aside);
    await rm(aside, { force: true });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  }
}

function lives(pid: number): boolean {
  // A holder that has not written its number yet is alive.
  if (Number.isNaN(pid)) return true;
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
