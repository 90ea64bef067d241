import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { adminKubeconfig } from '#test/support/api-server/plane.ts';
import { startChild } from '#test/support/processes/child-process.ts';
import { temporaryDirectory } from '#test/support/processes/guardian.ts';
import { operatorLeftOut } from '#test/support/time/eventually.ts';

/** Every wait is cut short in such a run, so a file takes seconds. */
const withinMs = 240_000;
/** An import of what starts operators, or of a stage that does. */
const startsOperators = /\bstartOperator\b[^;]* from '[^']*\/operator-process\.ts'/;
const root = join(import.meta.dirname, '..', '..');

// Never inside such a run itself.
test.runIf(!operatorLeftOut)(
  'no test of the operator passes when the operator is not running',
  async () => {
    const files = filesThatStartOperators();
    expect(files).not.toEqual([]);
    const passed: string[] = [];
    const failed: string[] = [];
    for (const { name, status } of await runWithoutOperator(files)) {
      (status === 'passed' ? passed : failed).push(name);
    }
    expect(passed).toEqual([]);
    expect(failed).not.toEqual([]);
  },
  withinMs,
);

/** Found by what they import, so that a new file is held to it without being listed. */
function filesThatStartOperators(): string[] {
  const stages = filesBelow('test/support').filter((file) => startsOperators.test(textOf(file)));
  const starters = ['test/support/operator/operator-process.ts', ...stages];
  const imports = starters.map((file) => `from '#${file}'`);
  return filesBelow('test/integration')
    .filter((file) => file.endsWith('.test.ts'))
    .filter((file) => imports.some((wanted) => textOf(file).includes(wanted)));
}

function filesBelow(directory: string): string[] {
  return readdirSync(join(root, directory), { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.ts'))
    .map((file) => join(directory, file));
}

function textOf(file: string): string {
  return readFileSync(join(root, file), 'utf8');
}

/** Runs them on this run's control plane, with everything prepared save the operator itself. */
async function runWithoutOperator(
  files: readonly string[],
): Promise<{ name: string; status: string }[]> {
  const directory = temporaryDirectory('no-operator');
  onTestFinished(directory.remove);
  const report = join(directory.path, 'report.json');
  const kept = Object.entries(process.env).filter(([name]) => !name.startsWith('VITEST'));
  const env = {
    ...Object.fromEntries(kept),
    KUIK_TEST_NO_OPERATOR: '1',
    KUIK_TEST_KUBECONFIG: adminKubeconfig(),
  };
  const vitest = join(root, 'node_modules', '.bin', 'vitest');
  const reporting = ['--reporter=json', `--outputFile=${report}`];
  // Its exit code says that tests failed, which is what they must do: the report is what counts.
  const run = await startChild({
    name: 'vitest without an operator',
    command: vitest,
    args: ['run', '--project', 'real', '--project', 'timed', ...reporting, ...files],
    logFile: join(directory.path, 'log'),
    env,
    cwd: root,
  });
  onTestFinished(async () => void (await run.stop('SIGKILL', 0)));
  await run.exited;
  const { testResults } = JSON.parse(readFileSync(report, 'utf8')) as {
    testResults: { assertionResults: { fullName: string; status: string }[] }[];
  };
  return testResults.flatMap(({ assertionResults }) =>
    assertionResults.map(({ fullName, status }) => ({ name: fullName, status })),
  );
}
