import { describe, expect, test } from 'vitest';
import type { MirroredImage } from '#core/mirroring/mirrored-image.ts';
import { movedNotes } from '#core/mirroring/status-notes.ts';
import {
  createMirrorSummary,
  movedMessage,
  progressMessage,
  troubleStates,
} from '#core/mirroring/status-summary.ts';
import { worstState } from '#core/ready-condition.ts';
import { digestOf, mirrored, someTimeMs } from '#test/support/mirroring/mirrored-images.ts';

const named = (name: string) => `docker.io/library/${name}:1`;
const away = { state: 'BackingOff', lastError: 'no answer', failure: 'unreachable' } as const;
const denied = { state: 'Failed', lastError: 'denied.', failure: 'denied' } as const;
const taken = { state: 'Collision', lastError: 'quay.io/library/a:1 is there' } as const;

function summarise(...images: readonly MirroredImage[]) {
  const summary = createMirrorSummary();
  for (const image of images) summary.add(image);
  return summary.finish();
}

const readyOf = (images: readonly MirroredImage[], before?: string) => {
  const summary = summarise(...images);
  return worstState(troubleStates(summary, before), progressMessage(summary) ?? '');
};

describe('the Ready condition of a mirror resource', () => {
  test('tells how far it is while nothing is wrong', () => {
    const there = mirrored(named('a'));
    const waits = mirrored(named('b'), [{ state: 'Scheduled' }]);
    expect(readyOf([there, waits]).message).toBe('1 of 2 images are mirrored, 1 is on the way.');
    expect(readyOf([there, mirrored(named('b'))]).message).toBe('All 2 images are mirrored.');
    expect(readyOf([there]).message).toBe('The 1 image is mirrored.');
    expect(progressMessage(summarise())).toBeUndefined();
  });

  test('tells what fails first by name, of the reason that comes first', () => {
    const images = [
      mirrored(named('d'), [away]),
      mirrored(named('c'), [{}, denied]),
      mirrored(named('b'), [denied, denied]),
      mirrored(named('a')),
    ];
    expect(readyOf(images)).toEqual({
      reason: 'CopyFailed',
      message:
        '1 of 4 images are mirrored; 2 images failed, first docker.io/library/b:1 to mirror-0.example.com/library/b:1: denied.',
    });
    expect(readyOf([...images, mirrored(named('e'), [taken])])).toMatchObject({
      reason: 'Collision',
    });
    expect(readyOf([mirrored(named('d'), [away])])).toEqual({
      reason: 'RegistryUnreachable',
      message:
        '0 of 1 images are mirrored; 1 image waits for a registry that does not answer, first docker.io/library/d:1 to mirror-0.example.com/library/d:1: no answer.',
    });
  });

  test('says of a failure that only the status tells of what was said before', () => {
    const restored = mirrored(named('a'), [{ state: 'BackingOff', lastError: 'no answer' }]);
    expect(readyOf([restored], 'RegistryUnreachable').reason).toBe('RegistryUnreachable');
    expect(readyOf([restored], 'CopyFailed').reason).toBe('CopyFailed');
    expect(readyOf([restored]).reason).toBe('CopyFailed');
  });
});

describe('tags that moved', () => {
  const to = digestOf('something else');
  const moves = (name: string) => mirrored(named(name), [{}], { presentSourceDigest: to });

  test('are found by what was copied and what is there now', () => {
    const same = mirrored(named('a'), [{}], { presentSourceDigest: digestOf(named('a')) });
    const summary = summarise(moves('c'), moves('b'), same);
    expect([...summary.moved.keys()]).toEqual([named('b'), named('c')]);
    expect(summary.isSourceKnown).toBe(true);
    expect(movedMessage(summary.moved)).toBe(
      `2 tags name something else than was copied, first ${named('b')}: ${digestOf(named('b'))} was copied, ${to} is there now.`,
    );
  });

  test('are all known once each source in use was looked at, but for digests', () => {
    expect(summarise(mirrored(named('a'))).isSourceKnown).toBe(false);
    const pinned = mirrored(`docker.io/library/a@${to}`);
    const unused = mirrored(named('b'), [{}], { unusedSinceMs: someTimeMs });
    const waits = mirrored(named('c'), [{ state: 'Scheduled' }]);
    expect(summarise(pinned, unused, waits).isSourceKnown).toBe(true);
  });

  test('are told once each, and many of them in one event', () => {
    const { moved } = summarise(moves('a'));
    expect(movedNotes(new Map(), moved)).toMatchObject([
      { type: 'Warning', reason: 'SourceChanged', note: expect.stringContaining(named('a')) },
    ]);
    expect(movedNotes(moved, moved)).toEqual([]);
    const many = summarise(...['a', 'b', 'c', 'd', 'e', 'f', 'g'].map(moves)).moved;
    expect(movedNotes(moved, many)).toEqual([
      {
        ...{ type: 'Warning', reason: 'SourceChanged' },
        note: `6 tags name other images now, such as ${named('b')}, ${named('c')}, ${named('d')}.`,
      },
    ]);
  });
});
