import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, test } from 'vitest';
import { parse } from 'yaml';

/** One case of a vector file: one behaviour, what goes in, what comes out, and who says so. */
export interface Vector<Given, Expected> {
  readonly case: string;
  readonly given: Given;
  readonly expected: Expected;
  readonly source: string;
}

/** Names the folder to read instead of ours; `npm run contract -- DIR` sets it. */
export const vectorFolderVariable = 'KUIK_VECTORS';

/** Where our own vectors live. */
export const defaultVectorFolder = fileURLToPath(
  new URL('../../contract/vectors', import.meta.url),
);

/** The folder that this run reads. */
export function vectorFolder(): string {
  return process.env[vectorFolderVariable] ?? defaultVectorFolder;
}

/**
 * Declares one test a case of `file` in the chosen folder. A folder other than ours may lack the
 * file: then one skipped test says so.
 */
export function describeVectors<Given, Expected>(
  file: string,
  check: (given: Given, expected: Expected) => void | Promise<void>,
): void {
  const folder = vectorFolder();
  const path = join(folder, file);
  describe(file, () => {
    if (folder !== defaultVectorFolder && !existsSync(path)) {
      test('the chosen folder has no such file', ({ skip }) => skip(`${path} is not there`));
      return;
    }
    for (const vector of loadVectors<Given, Expected>(path)) {
      test(vector.case, async () => {
        await check(vector.given, vector.expected);
      });
    }
  });
}

/** Reads one vector file; throws with path and place when it is not of the form. */
export function loadVectors<Given, Expected>(path: string): readonly Vector<Given, Expected>[] {
  const content: unknown = parse(readFileSync(path, 'utf8'));
  if (!Array.isArray(content) || content.length === 0) {
    throw new Error(`${path}: expected a list of cases, got ${describeValue(content)}`);
  }
  return content.map((entry: unknown, index) => {
    const problem = problemOf(entry);
    if (problem !== undefined) throw new Error(`${path}: case ${index + 1}: ${problem}`);
    return entry as Vector<Given, Expected>;
  });
}

function problemOf(entry: unknown): string | undefined {
  if (typeof entry !== 'object' || entry === null || Array.isArray(entry)) {
    return `expected {case, given, expected, source}, got ${describeValue(entry)}`;
  }
  const fields = new Map(Object.entries(entry));
  if (typeof fields.get('case') !== 'string') {
    return `expected "case" to be a sentence, got ${describeValue(fields.get('case'))}`;
  }
  const missing = ['given', 'expected'].find(
    (field) => fields.get(field) === undefined || fields.get(field) === null,
  );
  return missing === undefined ? undefined : `expected "${missing}", got nothing`;
}

function describeValue(value: unknown): string {
  return (JSON.stringify(value) ?? 'nothing').slice(0, 80);
}
