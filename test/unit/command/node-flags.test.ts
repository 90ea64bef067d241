import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { shippedNodeFlags } from '#test/support/operator/shipped-node.ts';

const root = join(import.meta.dirname, '..', '..', '..');
const halfMegabytesMax = 16;

/** Makes garbage, some of which lives for a while, and says what the young generation came to. */
const churn = `
  const kept = [];
  for (let index = 0; index < 5e6; index += 1) kept[index % 5e5] = { index, list: [index] };
  const spaces = require('node:v8').getHeapSpaceStatistics();
  const { space_size } = spaces.find((space) => space.space_name === 'new_space');
  console.log(space_size / 1024 / 1024);
`;

test('however it is started, the operator has the same flags of Node', () => {
  const { scripts } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
    readonly scripts: Readonly<Record<string, string>>;
  };
  expect(scripts['start']).toBe(`node ${shippedNodeFlags().join(' ')} src/main.ts`);
});

test('with them the young generation stays small on a large machine', () => {
  const measure = (flags: readonly string[]) =>
    Number(execFileSync(process.execPath, [...flags, '-e', churn], { encoding: 'utf8' }));
  expect(measure(shippedNodeFlags())).toBeLessThanOrEqual(2 * halfMegabytesMax);
});
