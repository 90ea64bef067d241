import { describe, expect, test } from 'vitest';
import {
  actorsMax,
  bufferedBytesMax,
  burstFramesMax,
  framesPerSecondMax,
  tellDelayMs,
} from '#actors/inspection/viewer.ts';
import {
  ids,
  settle,
  startInspected as start,
  view,
} from '#test/support/inspection/inspected-system.ts';

describe('a viewer', () => {
  test('that reads slowly loses frames, is told how many, and where its actors are by then', async () => {
    const started = start(['a:1']);
    const { frames, block, events } = view(started, ids('tracked-image:a:1'));
    await settle();
    block(bufferedBytesMax + 1);
    started.actor('a:1').send({ type: 'check.due' });
    const before = frames.length;
    started.actor('a:1').send({ type: 'image.unused', sinceMs: 5 });
    started.runtime.clock.advance(tellDelayMs * 3);
    expect(frames).toHaveLength(before);
    block(0);
    started.runtime.clock.advance(tellDelayMs);
    // An event and a snapshot of each, and the beginning of the check.
    expect(events().at(-1)).toEqual({ type: 'frames.lost', count: 5, total: 5 });
    expect(frames.at(-1)).toMatchObject({
      ...{ type: '@xstate.snapshot', event: { type: 'frames.lost' } },
      snapshot: { value: { Tracked: { availability: 'Checking', usage: 'Unused' } } },
    });
  });

  test('gets so many frames a second, and no more', async () => {
    const started = start(['a:1']);
    const { frames, events } = view(started, ids('tracked-image:a:1'));
    await settle();
    const ask = (times: number) => {
      for (let time = 0; time < times; time += 1) {
        started.actor('a:1').send({ type: 'image.used', original: true });
      }
    };
    ask(5_000);
    expect(frames).toHaveLength(burstFramesMax);
    started.runtime.clock.advance(tellDelayMs);
    expect(events().at(-1)).toMatchObject({ type: 'frames.lost', count: 10_001 - burstFramesMax });
    const told = frames.length;
    ask(5_000);
    // One of them went for where the actor was by then.
    expect(frames.length - told).toBe(framesPerSecondMax - 1);
  });

  test('watches so many actors, and is told that there are more', async () => {
    const started = start(Array.from({ length: actorsMax + 50 }, (_, index) => `a:${index}`));
    const { named, events } = view(started, ids('kuik'));
    for (let turn = 0; turn < 20; turn += 1) await settle();
    expect(named()).toHaveLength(actorsMax);
    started.runtime.clock.advance(tellDelayMs);
    expect(events()).toEqual([{ type: 'actors.left-out', shown: actorsMax }]);
  });

  test('has room again when actors end, effects too', async () => {
    const started = start(['a:1']);
    const { named, events } = view(started, ids('tracked-image:a:1'));
    await settle();
    for (let cycle = 0; cycle < actorsMax + 10; cycle += 1) {
      started.actor('a:1').send({ type: 'check.due' });
      started.checks.at(-1)?.({ kind: 'verdict', status: 'Available', atMs: cycle });
      await Promise.resolve().then(() => {});
      await settle();
      started.runtime.clock.advance(tellDelayMs);
    }
    expect(events().filter(({ type = '' } = { type: '' }) => type.includes('.l'))).toEqual([]);
    expect(named()).toHaveLength(actorsMax + 11);
  });

  test('costs nothing once it is gone: no event is even read', async () => {
    const started = start(['a:1']);
    let reads = 0;
    const ask = () =>
      started.actor('a:1').send({
        type: 'image.used',
        original: true,
        get reason() {
          reads += 1;
          return 'looked at';
        },
      });
    ask();
    const one = view(started, ids('tracked-image:a:1'));
    const other = view(started, ids('tracked-image:a:1'));
    await settle();
    expect(reads).toBe(0);
    ask();
    // Once for the event and once for the snapshot, however many watch.
    expect(reads).toBe(2);
    one.leave();
    other.leave();
    const before = one.frames.length;
    ask();
    expect([reads, one.frames.length]).toEqual([2, before]);
  });

  test('is ended, and the actors go on, where a frame cannot be made', async () => {
    const started = start(['a:1']);
    const { ends } = view(started, ids('tracked-image:a:1'));
    await settle();
    started.actor('a:1').send({
      type: 'image.used',
      original: true,
      get reason() {
        throw new Error('unreadable');
      },
    });
    expect(ends).toEqual(['a fault of our own: see the log']);
    expect(started.runtime.lines().at(-1)).toMatchObject({ msg: 'the frames of actors failed' });
    expect(started.actor('a:1').getSnapshot().status).toBe('active');
  });
});
