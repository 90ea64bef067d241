import { expect, test } from 'vitest';
import { toldState } from '#core/mirroring/told-state.ts';

const used = { isMirrored: true, isUnused: false };

test('a status knows no work, only what came of it', () => {
  expect(toldState('Copying', { isMirrored: false, isUnused: false })).toBe('Scheduled');
  expect(toldState('Checking', used)).toBe('Available');
  expect(toldState('Checking', { isMirrored: true, isUnused: true })).toBe('Unused');
  expect(toldState('Deleting', { isMirrored: true, isUnused: true })).toBe('Expired');
  expect(toldState('BackingOff', used)).toBe('BackingOff');
});

test('a copy that is made anew stands until that is done', () => {
  expect(toldState('Outdated', used)).toBe('Available');
  expect(toldState('Copying', used)).toBe('Available');
  expect(toldState('Copying', { isMirrored: true, isUnused: true })).toBe('Unused');
});

test('a copy that another resource still uses is unused to the one that does not', () => {
  expect(toldState('Available', { isMirrored: true, isUnused: true })).toBe('Unused');
});

test('an actor that crashed forgets nothing that stands on its mirror', () => {
  expect(toldState('Broken', used)).toBe('Available');
  expect(toldState('Broken', { isMirrored: false, isUnused: false })).toBe('Scheduled');
});
