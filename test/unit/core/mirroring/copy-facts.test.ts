import { describe, expect, test } from 'vitest';
import { judgeLook, nextLookMs } from '#core/mirroring/copy-look.ts';
import type { CopiedImage } from '#core/mirroring/copy-outcome.ts';
import { placeKey, placeKeyOf } from '#core/mirroring/copy-places.ts';
import { recordCopied, recordPush } from '#core/mirroring/copy-record.ts';
import type { MirrorCopy } from '#core/mirroring/mirrored-image.ts';
import { quotaHoldUntilMs } from '#core/mirroring/source-quota.ts';
import { reference } from '../../../support/routing/resources.ts';

const scheduled: MirrorCopy = { copy: 'm.example.com/a:1', state: 'Scheduled' };
const available: MirrorCopy = {
  ...{ copy: scheduled.copy, state: 'Available', mirroredAtMs: 5 },
  ...{ digest: 'sha256:a', sourceDigest: 'sha256:s' },
};

describe('a copy is looked at', () => {
  test('at once in a new term, then once an hour; where nothing is there never', () => {
    expect(nextLookMs(available, undefined)).toBe(Number.NEGATIVE_INFINITY);
    expect(nextLookMs({ ...available, state: 'Unused' }, 10)).toBe(3_600_010);
    expect(nextLookMs(scheduled, undefined)).toBeUndefined();
    expect(nextLookMs({ ...available, state: 'Expired' }, undefined)).toBeUndefined();
  });

  test.each([
    ['the same', { kind: 'there', digest: 'sha256:a', lacksChildren: false }, 'as-before'],
    ['another digest', { kind: 'there', digest: 'sha256:b', lacksChildren: false }, 'lost'],
    ['a child gone', { kind: 'there', digest: 'sha256:a', lacksChildren: true }, 'lost'],
    ['nothing', { kind: 'missing' }, 'lost'],
    ['no answer', { kind: 'inconclusive' }, 'as-before'],
  ] as const)('and found: %s', (_, finding, expected) => {
    expect(judgeLook(available, finding)).toBe(expected);
  });

  test('and one of kuik v2, which recorded no digest, is taken for what it is', () => {
    expect(judgeLook({}, { kind: 'there', digest: 'sha256:b', lacksChildren: false })).toBe(
      'as-before',
    );
  });
});

describe('what stands there', () => {
  const outcome: CopiedImage = {
    ...{ kind: 'copied', digest: 'sha256:a', sourceDigest: 'sha256:s', found: true, bytes: 0 },
  };
  const moment = { others: [], nowMs: 7 };

  test.each([
    ['was found', outcome, scheduled, [], true],
    ['was written', { ...outcome, found: false }, scheduled, [], undefined],
    ['was written before', outcome, available, [], undefined],
    ['was written for another resource', outcome, scheduled, [available], undefined],
    [
      'was found by another resource, too',
      outcome,
      scheduled,
      [{ ...available, adopted: true }],
      true,
    ],
    [
      'was written by a process that could not say so',
      outcome,
      recordPush(scheduled),
      [],
      undefined,
    ],
  ] as const)('%s', (_, copied, before, others, adopted) => {
    const recorded = recordCopied(before, copied, { ...moment, others });
    expect(recorded.adopted).toBe(adopted);
    expect(recorded).toMatchObject({ state: 'Available', mirroredAtMs: 7, digest: 'sha256:a' });
  });
});

describe('a source with a quota', () => {
  const quota = { limit: 100, remaining: 29, resetAtMs: 5_000, atMs: 1_000 };

  test.each([
    ['is waited for below the reserve', quota, 2_000, 5_000],
    ['not at it', { ...quota, remaining: 30 }, 2_000, undefined],
    ['not once it is whole again', quota, 5_000, undefined],
    ['an hour where it does not say', { limit: 100, remaining: 0, atMs: 1_000 }, 2_000, 3_601_000],
    ['a day at most', { ...quota, resetAtMs: 1e12 }, 2_000, 86_401_000],
    ['never where it states none', undefined, 2_000, undefined],
    ['never where its limit makes no sense', { ...quota, limit: 0 }, 2_000, undefined],
  ])('%s', (_, said, nowMs, expected) => {
    expect(quotaHoldUntilMs(said, 0.3, nowMs)).toBe(expected);
  });
});

test.each([
  ['m.example.com:5000/a/b', 'm.example.com:5000/a/b:latest'],
  ['m.example.com:5000/a/b:1', 'm.example.com:5000/a/b:1'],
  [`m.example.com/a:1@sha256:${'0'.repeat(64)}`, `m.example.com/a@sha256:${'0'.repeat(64)}`],
  [`m.example.com/a@sha256:${'0'.repeat(64)}`, `m.example.com/a@sha256:${'0'.repeat(64)}`],
])('%s is one image with %s', (image, key) => {
  expect(placeKeyOf(image)).toBe(key);
  expect(placeKey(reference(image))).toBe(key);
});
