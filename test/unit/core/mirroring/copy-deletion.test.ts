import { describe, expect, test } from 'vitest';
import type { KuikResource } from '#api/kinds.ts';
import { type DeletionState, nextDeletionStep } from '#core/mirroring/copy-deletion.ts';
import { judgeRemoval } from '#core/mirroring/copy-due.ts';
import {
  copy,
  elapse,
  hourMs,
  made,
  mirror,
  nginx,
  one,
  twinOf,
} from '../../../support/mirroring/mirror-cases.ts';
import { type MirrorTwin, twinPod } from '../../../support/mirroring/mirror-twin.ts';

const ready: DeletionState = {
  ...{ writtenMs: 0, wasTried: false, podsListedMs: 30_000, isDue: true, holdsLease: true },
  ...{ expectedDigest: 'sha256:a', seen: { digest: 'sha256:a', atMs: 30_001 }, nowMs: 30_002 },
};

describe('before a copy is deleted', () => {
  test.each<[string, Partial<DeletionState>, string]>([
    ['its status says that it expired', { writtenMs: undefined } as object, 'write'],
    ['30 s pass', { nowMs: 29_999 }, 'wait'],
    ['Pods are listed', { podsListedMs: undefined } as object, 'list-pods'],
    ['Pods are listed after the 30 s, not before', { podsListedMs: 29_999 }, 'list-pods'],
    ['Pods are listed again where that was long ago', { nowMs: 90_001 }, 'list-pods'],
    ['the registry is asked again where that was long ago', { nowMs: 40_002 }, 'look'],
    ['the registry is asked', { seen: undefined } as object, 'look'],
    ['nobody wants it', { isDue: false }, 'revive'],
    ['the Lease is held', { holdsLease: false }, 'stop'],
    ['the same still stands there', { seen: { digest: 'sha256:b', atMs: 30_001 } }, 'foreign'],
    ['something stands there', { seen: { atMs: 30_001 } }, 'gone'],
    ['it is known what must stand there', { expectedDigest: undefined } as object, 'foreign'],
    ['nothing more is waited for', {}, 'delete'],
  ])('%s', (_, change, kind) => {
    expect(nextDeletionStep({ ...ready, ...change }).kind).toBe(kind);
  });

  test('one that is tried again waits for no 30 s, and for all the rest', () => {
    const again = { ...ready, wasTried: true, nowMs: 190_000 };
    expect(nextDeletionStep(again).kind).toBe('list-pods');
    expect(nextDeletionStep({ ...again, podsListedMs: 189_000 }).kind).toBe('look');
    const seen = { digest: 'sha256:a', atMs: 189_500 };
    expect(nextDeletionStep({ ...again, podsListedMs: 189_000, seen }).kind).toBe('delete');
  });

  test('the wait ends 30 s after the write', () => {
    expect(nextDeletionStep({ ...ready, writtenMs: 100, nowMs: 200 })).toEqual({
      kind: 'wait',
      untilMs: 30_100,
    });
  });
});

describe('of a resource that is being deleted', () => {
  const cleanup = { enabled: true, retention: '1000h' };

  /** What becomes of the copy of `one`, which stands in no table any more. */
  function removal(twin: MirrorTwin, withCleanup = true) {
    const recorded = twin.copy(one, nginx, copy);
    const [place] = twin.places(one, nginx);
    if (recorded === undefined || place === undefined) throw new Error('expected a copy');
    const { claims } = twin;
    claims.addResource({
      ...{ resource: one, phase: 'deleting', use: () => undefined },
      entry: (image) => twin.entry(one, image),
      places: (image) => twin.places(one, image),
    });
    const { running, nowMs } = twin;
    const judgement = twin.judge(place.key);
    const asked = { ...place, cleanup: { ...place.cleanup, enabled: withCleanup } };
    return judgeRemoval({ place: asked, recorded, judgement, running, nowMs });
  }

  function twinWithCopy(...others: readonly KuikResource[]) {
    const twin = twinOf(mirror('one', { cleanup }), ...others);
    twin.setPod('a', twinPod('nginx:1'));
    made(twin);
    return twin;
  }

  test('copies go, within their retention and though Pods run the original', () => {
    expect(removal(twinWithCopy())).toEqual({ kind: 'delete' });
  });

  test('copies stay without cleanup', () => {
    expect(removal(twinWithCopy(), false)).toEqual({ kind: 'stays', why: 'no-cleanup' });
  });

  test('a copy stays that a Pod runs from', () => {
    const twin = twinWithCopy();
    twin.setPod('b', twinPod(copy, { original: 'nginx:1', namespace: 'other' }));
    expect(removal(twin)).toEqual({ kind: 'stays', why: 'a Pod runs from it' });
    twin.setPod('b', twinPod(copy, { original: 'nginx:1', phase: 'Succeeded' }));
    expect(removal(twin)).toEqual({ kind: 'delete' });
  });

  test('a copy stays that another resource wants, or keeps for its own retention', () => {
    const twin = twinWithCopy(mirror('two', { cleanup: { enabled: true, retention: '1h' } }));
    expect(removal(twin)).toEqual({ kind: 'stays', why: 'another resource holds it' });
    twin.setPod('a', undefined);
    expect(removal(twin)).toEqual({ kind: 'stays', why: 'another resource holds it' });
    elapse(twin, hourMs);
    expect(removal(twin)).toEqual({ kind: 'delete' });
  });

  test('a copy stays that was found there', () => {
    const twin = twinWithCopy();
    twin.record(one, nginx, copy, { adopted: true });
    expect(removal(twin)).toEqual({ kind: 'stays', why: 'not-ours' });
  });
});
