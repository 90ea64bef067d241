import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { type Counts, count, countReport } from '#test/support/runner/test-counts.ts';

/**
 * `npm test`: lint, types, every test; all of them even when one fails. Its last line is
 * `N passed, N failed`, where lint and types count as one check each (types as two). Arguments go to vitest.
 */
const root = join(import.meta.dirname, '..');
const directory = mkdtempSync(join(tmpdir(), 'kuik-test-'));
const report = join(directory, 'report.json');
try {
  const counts: Counts[] = [];
  counts.push(await check('lint', 'biome', ['check', '--error-on-warnings', '.']));
  counts.push(await check('types', 'tsc', []));
  counts.push(await check('types of the page', 'tsc', ['-p', 'src/http/page']));
  counts.push(await tests(process.argv.slice(2)));
  const total = count(counts);
  console.log(`\n${total.passed} passed, ${total.failed} failed`);
  process.exitCode = total.failed === 0 ? 0 : 1;
} finally {
  rmSync(directory, { recursive: true, force: true });
}

async function check(title: string, command: string, args: readonly string[]): Promise<Counts> {
  const ok = (await run(command, args)) === 0;
  console.log(`${title}: ${ok ? 'passed' : 'FAILED'}`);
  return { passed: Number(ok), failed: Number(!ok) };
}

async function tests(args: readonly string[]): Promise<Counts> {
  const code = await run('vitest', [
    'run',
    '--reporter=default',
    '--reporter=json',
    `--outputFile.json=${report}`,
    ...args,
  ]);
  return countReport(existsSync(report) ? readFileSync(report, 'utf8') : undefined, code);
}

async function run(command: string, args: readonly string[]): Promise<number> {
  const installed = join(root, 'node_modules', '.bin');
  const child = spawn(join(installed, command), args, {
    cwd: root,
    // The Node that is installed here runs them, also when this was not started by npm.
    env: { ...process.env, PATH: `${installed}${delimiter}${process.env['PATH'] ?? ''}` },
    stdio: ['ignore', 'inherit', 'inherit'],
  });
  const [code] = (await once(child, 'exit')) as [number | null];
  return code ?? 1;
}
