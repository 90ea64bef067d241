import { expect, test } from 'vitest';
import type { CandidateStatus } from '#core/routing/decision.ts';
import { KnownCopies } from '#core/routing/known-copies.ts';
import { lostCopies, readLostCopy, writeLostCopy } from '#core/routing/lost-copies.ts';
import { compileTable } from '#core/routing/table.ts';
import { type CopyRow, made, recording } from '#test/support/routing/recorded-copies.ts';
import { clusterMirror } from '#test/support/routing/resources.ts';

const app = 'quay.io/team/app:1';
const copy = 'harbor.example.com/team/app:1';
const by = 'ClusterImageSetMirror/m';
const lost = { resource: by, copy };

/** What is lost where this candidate answered so, and this is recorded. */
function lostBy(status: CandidateStatus, given: { by?: string; recorded?: CopyRow[2] } = {}) {
  const rows: CopyRow[] = [[app, copy, given.recorded ?? made]];
  const mirror = clusterMirror('m', { mirrors: [{ registry: 'harbor.example.com' }] });
  const { copies } = compileTable([recording(mirror, ...rows)]);
  const candidate = { image: copy, by: given.by ?? by, status, ms: 1 };
  return lostCopies(copies, [{ candidates: [candidate] }]);
}

test('a copy is lost that is recorded to be there, and is not', () => {
  expect(lostBy('NotFound')).toEqual([lost]);
  expect(lostBy('NotFound', { recorded: { mirroredAt: made.mirroredAt } })).toEqual([lost]);
});

test.each<CandidateStatus>(['Available', 'InvalidAuth', 'Unreachable', 'SetAside', 'NotAsked'])(
  'a copy of which %s is said is not lost',
  (status) => {
    expect(lostBy(status)).toEqual([]);
  },
);

test('what nobody recorded cannot be lost', () => {
  expect(lostBy('NotFound', { recorded: { state: 'Scheduled' } })).toEqual([]);
  expect(lostBy('NotFound', { by: 'ClusterImageSetMirror/other' })).toEqual([]);
  const candidates = [{ image: copy, by, status: 'NotFound' as const, ms: 1 }];
  expect(lostCopies(new KnownCopies(), [{ candidates }])).toEqual([]);
});

test('a lost copy is read as it was written, and nothing else is', () => {
  expect(readLostCopy(writeLostCopy(lost))).toEqual(lost);
  const others = ['', '{}', '[]', 'x', 1, undefined, '{"resource":1,"copy":"x"}'];
  for (const text of [...others, writeLostCopy({ resource: by, copy: 'x'.repeat(3_000) })]) {
    expect(readLostCopy(text)).toBeUndefined();
  }
});
