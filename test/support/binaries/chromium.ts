import { spawnSync } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';
import { type Progress, terminalProgress } from './progress.ts';

/** A Chromium of one's own comes before those on PATH. */
const variable = 'KUIK_TEST_CHROMIUM';
const commands = ['chromium', 'chromium-browser', 'google-chrome'];
/** A mirror of packages that hangs must not keep a run for ever; it takes half a minute. */
const aptTimeoutMs = 600_000;

/** Path of a Chromium that can be run, or `undefined`. */
export function findChromium(env: NodeJS.ProcessEnv): string | undefined {
  const own = env[variable];
  if (own) return own;
  const directories = (env['PATH'] ?? '').split(delimiter);
  const places = commands.flatMap((name) => directories.map((one) => join(one, name)));
  return places.find(isRunnable);
}

/** As `findChromium`, for whom nothing can be done without: throws what would help. */
export function requireChromium(env: NodeJS.ProcessEnv): string {
  const path = findChromium(env);
  if (path !== undefined) return path;
  throw new Error(
    `Expected Chromium for the tests of the page: the path of one in ${variable}, ` +
      `${commands.join(', ')} on PATH, or apt-get and root to install Debian's.`,
  );
}

/** Installs Debian's Chromium where there is none and root may; throws what would help otherwise. */
export function installChromium(
  env: NodeJS.ProcessEnv,
  progress: Progress = terminalProgress(),
): void {
  if (findChromium(env) !== undefined) return;
  if (process.getuid?.() === 0) {
    const end = progress.start("Installing Debian's Chromium");
    // The lists of a fresh machine are empty or old.
    aptGet(['update']);
    aptGet(['install', '--yes', '--no-install-recommends', 'chromium']);
    end(findChromium(env) === undefined ? 'failed' : 'done');
  }
  requireChromium(env);
}

function aptGet(args: readonly string[]): void {
  spawnSync('apt-get', ['--quiet', '--quiet', ...args], {
    env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
    stdio: ['ignore', 'ignore', 'inherit'],
    timeout: aptTimeoutMs,
  });
}

function isRunnable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
