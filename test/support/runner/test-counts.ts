/** How many checks came out how. */
export interface Counts {
  readonly passed: number;
  readonly failed: number;
}

/** The part of vitest's JSON report that is read. */
interface Report {
  readonly testResults: readonly {
    readonly status: string;
    readonly assertionResults: readonly { readonly status: string }[];
  }[];
}

/** The sum of several. */
export function count(counts: readonly Counts[]): Counts {
  return counts.reduce(
    (sum, one) => ({ passed: sum.passed + one.passed, failed: sum.failed + one.failed }),
    { passed: 0, failed: 0 },
  );
}

/**
 * Counts of one run of vitest. What no test stands for is a failure too: a file that did not load,
 * a run that crashed (no report, or an exit code that no failed test explains), a run of no test.
 */
export function countReport(report: string | undefined, exitCode: number): Counts {
  if (report === undefined) return { passed: 0, failed: 1 };
  const files = (JSON.parse(report) as Report).testResults;
  const counted = count(files.map(countFile));
  const unexplained = exitCode !== 0 && counted.failed === 0;
  const empty = counted.passed + counted.failed === 0;
  return unexplained || empty ? { passed: counted.passed, failed: counted.failed + 1 } : counted;
}

function countFile(file: Report['testResults'][number]): Counts {
  const passed = file.assertionResults.filter(({ status }) => status === 'passed').length;
  const failed = file.assertionResults.filter(({ status }) => status === 'failed').length;
  const broken = file.status === 'failed' && failed === 0;
  return { passed, failed: broken ? 1 : failed };
}
