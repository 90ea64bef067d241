import { execFileSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { type Child, startChild } from '#test/support/processes/child-process.ts';
import { temporaryDirectory } from '#test/support/processes/guardian.ts';
import { untilReady } from '#test/support/time/eventually.ts';

const main = join(import.meta.dirname, '..', '..', 'demo', 'main.ts');
/** The bar is 30 s on a machine that does nothing else. */
const withinMs = 60_000;

test('the demo comes out as told, on 80 columns, without colours in a pipe', async () => {
  const { demo, left } = await startDemo(['--once']);
  const { code } = await demo.exited;
  const lines = demo.logs().split('\n');
  expect(code, demo.logs()).toBe(0);
  expect(lines).toContainEqual(expect.stringMatching(/^Every step came out as told\./));
  expect(lines.filter((line) => line.length > 80)).toEqual([]);
  expect(demo.logs()).toMatch(
    /explain +npm start --silent -- explain \S+ \\\n +-n demo-\w+ --debug-url http/,
  );
  expect(demo.logs()).toMatch(/status +npm start --silent -- status --metrics-url http/);
  expect(demo.logs()).not.toContain('\u001b');
  expect(left()).toEqual([]);
}, 120_000);

test('Ctrl-C in the demo ends everything it started', async () => {
  const { demo, left } = await startDemo([]);
  await untilReady('its registries run', () => demo.logs().includes('standby'), { withinMs });
  expect(left()).not.toEqual([]);
  process.kill(demo.pid, 'SIGINT');
  expect(await demo.exited).toEqual({ code: 130, signal: null });
  expect(demo.logs()).toMatch(/\nStopped\. Everything that was started ends now\.\n$/);
  await untilReady('nothing is left', () => left().length === 0);
}, 120_000);

/** A demo with a place of its own for temporary files: whatever runs for it names that place. */
async function startDemo(args: readonly string[]): Promise<{ demo: Child; left: () => string[] }> {
  const directory = temporaryDirectory('demo');
  const logs = temporaryDirectory('demo-log');
  const demo = await startChild({
    name: 'demo',
    command: process.execPath,
    args: [main, ...args],
    logFile: join(logs.path, 'log'),
    env: { ...process.env, TMPDIR: directory.path },
  });
  onTestFinished(async () => {
    await demo.stop('SIGKILL', 0);
    directory.remove();
    logs.remove();
  });
  const left = () => [...readdirSync(directory.path), ...processesThatName(directory.path)];
  return { demo, left };
}

function processesThatName(path: string): string[] {
  const listed = execFileSync('ps', ['-eo', 'args'], { encoding: 'utf8' }).split('\n');
  return listed.filter((line) => line.includes(path));
}
