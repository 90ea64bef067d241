import type { StatelyInspectionEvent } from '@statelyai/inspect';
import { afterEach, describe, expect, test } from 'vitest';
import { fromPromise } from 'xstate';
import { createInspection } from '#actors/inspection/inspection.ts';
import {
  actorsMax,
  bufferedBytesMax,
  burstFramesMax,
  framesPerSecondMax,
  tellDelayMs,
} from '#actors/inspection/viewer.ts';
import { supervise } from '#actors/supervisor.ts';
import { KuikSystem } from '#actors/system.ts';
import type { ActorChoice } from '#core/inspection.ts';
import type { TrackedImage } from '#core/monitoring/tracked-image.ts';
import type { CheckOutcome } from '#core/monitoring/verdict.ts';
import { type CheckImageInput, trackedImageMachine } from '#machines/tracked-image.ts';
import { createTestRuntime } from '#test/support/time/test-runtime.ts';

const systems = new Set<KuikSystem>();
afterEach(() => {
  for (const system of systems) system.stop();
  systems.clear();
});

/** A system with tracked images, whose checks end when they are told to. */
function start(images: readonly string[] = []) {
  const runtime = createTestRuntime();
  const system = new KuikSystem(runtime);
  systems.add(system);
  const checks: ((outcome: CheckOutcome) => void)[] = [];
  const checkImage = fromPromise<CheckOutcome, CheckImageInput>(
    () => new Promise((resolve) => checks.push(resolve)),
  );
  const logic = supervise(runtime, {
    ...{ type: 'tracked-image', policy: 'object' as const },
    logic: trackedImageMachine.provide({ actors: { checkImage } }),
  });
  system.always({ id: 'tracked-images', logic });
  system.start();
  const add = (image: string) => {
    const tracked: TrackedImage = {
      ...{ resource: 'all', image, registry: 'docker.io', status: 'Scheduled', original: true },
    };
    system.find('tracked-images')?.send({ type: 'child.add', key: image, input: { tracked } });
  };
  for (const image of images) add(image);
  const actor = (image: string) => system.root.system.get(`tracked-image:${image}`);
  const inspection = createInspection(system);
  return { system, runtime, inspection, add, actor, checks };
}

/** A viewer that keeps what it is sent, as parsed. */
function view({ inspection }: ReturnType<typeof start>, choice: ActorChoice) {
  const frames: Frame[] = [];
  const ends: string[] = [];
  let buffered = 0;
  const leave = inspection.watch(choice, {
    send: (frame) => frames.push(JSON.parse(frame)),
    bufferedBytes: () => buffered,
    end: (reason) => ends.push(reason),
  });
  const block = (bytes: number) => {
    buffered = bytes;
  };
  const named = () => frames.filter(({ type }) => type === '@xstate.actor').map(({ name }) => name);
  const events = () =>
    frames.filter(({ type }) => type === '@xstate.event').map(({ event }) => event);
  return { frames, ends, leave, block, named, events };
}

type Frame = StatelyInspectionEvent & {
  readonly name?: string;
  readonly machine?: string;
  readonly definition?: string;
  readonly event?: { readonly type: string; readonly [field: string]: unknown };
  readonly snapshot?: {
    readonly status: string;
    readonly value: unknown;
    readonly context: object;
  };
};

const ids = (...all: string[]): ActorChoice => ({ kind: 'ids', ids: all });
const settle = () => new Promise<void>((resolve) => setImmediate(resolve));

describe('the frames of actors', () => {
  test('tell of the chosen actor alone: itself, its events, where it is, and what it starts', async () => {
    const started = start(['a:1', 'b:1']);
    const { frames, named } = view(started, ids('tracked-image:a:1'));
    await settle();
    started.actor('a:1').send({ type: 'check.due' });
    started.actor('b:1').send({ type: 'check.due' });
    started.checks[0]?.({ kind: 'verdict', status: 'NotFound', lastError: 'gone', atMs: 5 });
    await settle();
    const session = started.actor('a:1').sessionId;
    expect(frames[0]).toMatchObject({
      ...{ type: '@xstate.actor', name: 'tracked-image:a:1', sessionId: session },
      ...{ machine: 'tracked-image', _version: '0.7.2', id: null },
      rootId: started.system.root.sessionId,
      snapshot: {
        ...{ status: 'active', value: { Tracked: { availability: 'Scheduled', usage: 'Used' } } },
        context: { tracked: { image: 'a:1' } },
      },
    });
    expect(JSON.parse(frames[0]?.definition ?? '')).toMatchObject({
      id: 'tracked-image',
      states: { Checking: { invoke: { src: 'checkImage' } } },
    });
    expect(named()).toEqual(['tracked-image:a:1', expect.any(String)]);
    const own = frames.filter(({ sessionId }) => sessionId === session).slice(1);
    expect(own.map(({ type, event }) => [type, event?.type])).toEqual([
      ['@xstate.event', 'check.due'],
      ['@xstate.snapshot', 'check.due'],
      ['@xstate.event', expect.stringMatching(/^xstate\.done\.actor/)],
      ['@xstate.snapshot', expect.stringMatching(/^xstate\.done\.actor/)],
    ]);
    expect(own.at(-2)?.event?.['output']).toEqual({ kind: 'verdict', status: 'NotFound' });
    expect(own.at(-1)?.snapshot).toMatchObject({
      value: { Tracked: { availability: 'NotFound' } },
      context: { tracked: { status: 'NotFound', lastError: 'gone' } },
    });
    const child = frames.find(
      ({ sessionId, type }) => type === '@xstate.actor' && sessionId !== session,
    );
    expect(child).toMatchObject({ parentId: session });
  });

  test('bring the chart of a machine once, however many actors run it', async () => {
    const started = start(['a:1', 'b:1', 'c:1']);
    const { frames } = view(started, { kind: 'type', type: 'tracked-image' });
    await settle();
    started.add('d:1');
    const actors = frames.filter(({ type }) => type === '@xstate.actor');
    expect(actors.map(({ machine }) => machine)).toEqual(Array(4).fill('tracked-image'));
    expect(actors.filter(({ definition }) => definition !== undefined)).toHaveLength(1);
    const second = view(started, ids('tracked-image:c:1'));
    await settle();
    expect(second.frames[0]?.definition).toBe(actors[0]?.definition);
  });

  test('of a type and a state begin with those in it, and go on with those that come to it', async () => {
    const started = start(['a:1', 'b:1', 'c:1']);
    started.actor('a:1').send({ type: 'check.due' });
    const { named } = view(started, { kind: 'type', type: 'tracked-image', state: 'Checking' });
    await settle();
    expect(named()).toEqual(['tracked-image:a:1']);
    started.actor('c:1').send({ type: 'check.due' });
    expect(named()).toEqual(['tracked-image:a:1', 'tracked-image:c:1']);
  });

  test('follow a chosen actor that is started anew after a crash', async () => {
    const started = start(['a:1']);
    const { named, frames } = view(started, ids('tracked-image:a:1'));
    await settle();
    started.actor('a:1').send({
      type: 'probe.seen',
      get verdict() {
        throw new Error('a bug');
      },
    });
    expect(frames.at(-1)).toMatchObject({
      type: '@xstate.snapshot',
      snapshot: { status: 'error' },
    });
    started.runtime.clock.advance(60_000);
    expect(named()).toEqual(['tracked-image:a:1', 'tracked-image:a:1']);
    expect(started.runtime.lines().filter(({ msg }) => /frames/.test(String(msg)))).toEqual([]);
  });

  test('show of a supervisor how many it has, and its children with it', async () => {
    const started = start(['a:1', 'b:1']);
    const { frames, named } = view(started, ids('tracked-images'));
    await settle();
    expect(frames[0]?.snapshot).toEqual({ status: 'active', context: { children: 2 } });
    expect(named()).toEqual(['tracked-images', 'tracked-image:a:1', 'tracked-image:b:1']);
    started.add('c:1');
    expect(named().at(-1)).toBe('tracked-image:c:1');
    expect(frames.find(({ event }) => event?.type === 'child.add')?.event).toEqual({
      ...{ type: 'child.add', key: 'c:1' },
    });
  });

  test('say which of the chosen is not there', () => {
    const { inspection } = start(['a:1']);
    expect(inspection.missing(ids('tracked-image:a:1', 'registry:none'))).toBe('registry:none');
    expect(inspection.missing(ids('kuik'))).toBeUndefined();
    expect(inspection.missing({ kind: 'type', type: 'registry' })).toBeUndefined();
  });
});

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
    expect(events().at(-1)).toMatchObject({ type: 'frames.lost', count: 9_001 });
    const told = frames.length;
    ask(5_000);
    expect(frames.length - told).toBeLessThanOrEqual(framesPerSecondMax);
    expect(frames.length - told).toBeGreaterThan(framesPerSecondMax - 5);
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
