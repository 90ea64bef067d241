import { describe, expect, test } from 'vitest';
import { judgeCheck, type NamedSecrets } from '#core/monitoring/verdict.ts';

const refused = { kind: 'InvalidAuth', message: 'who are you' } as const;
const all: NamedSecrets = { named: 2, missing: 0, unread: 0, warnings: [] };

describe('an image that is refused', () => {
  test.each([
    ['is InvalidAuth where a Secret is there', all, 'InvalidAuth'],
    ['is InvalidAuth where one of two is missing', { ...all, missing: 1 }, 'InvalidAuth'],
    ['is UnavailableSecret where all are missing', { ...all, missing: 2 }, 'UnavailableSecret'],
    ['is InvalidAuth where none is named', { ...all, named: 0 }, 'InvalidAuth'],
  ])('%s', (_, secrets, status) => {
    expect(judgeCheck(refused, secrets, 5)).toMatchObject({ kind: 'verdict', status, atMs: 5 });
  });

  test('is what it was while the API server does not give a Secret away', () => {
    const secrets = { ...all, missing: 2, unread: 1 };
    expect(judgeCheck(refused, secrets, 5)).toEqual({ kind: 'inconclusive', atMs: 5 });
    const found = judgeCheck({ kind: 'Available' }, secrets, 5);
    expect(found).toEqual({ kind: 'verdict', status: 'Available', atMs: 5 });
  });
});
