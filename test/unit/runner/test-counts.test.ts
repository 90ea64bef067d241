import { expect, test } from 'vitest';
import { countReport } from '#test/support/runner/test-counts.ts';

const file = (status: string, ...results: string[]) => ({
  status,
  assertionResults: results.map((result) => ({ status: result })),
});
const report = (...files: object[]) => JSON.stringify({ testResults: files });

test('passed and failed tests are counted over all files', () => {
  const text = report(file('passed', 'passed', 'passed'), file('failed', 'passed', 'failed'));
  expect(countReport(text, 1)).toEqual({ passed: 3, failed: 1 });
});

test('a file that did not load is a failure', () => {
  const text = report(file('passed', 'passed'), file('failed'));
  expect(countReport(text, 1)).toEqual({ passed: 1, failed: 1 });
});

test('a run of no test is a failure', () => {
  expect(countReport(report(), 0)).toEqual({ passed: 0, failed: 1 });
  expect(countReport(report(file('passed', 'pending')), 0)).toEqual({ passed: 0, failed: 1 });
});

test('a run that crashed is a failure, whatever its tests said', () => {
  expect(countReport(undefined, 1)).toEqual({ passed: 0, failed: 1 });
  expect(countReport(report(file('passed', 'passed')), 1)).toEqual({ passed: 1, failed: 1 });
});
