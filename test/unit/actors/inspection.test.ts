import { describe, expect, test } from 'vitest';
import {
  ids,
  settle,
  startInspected as start,
  view,
} from '#test/support/inspection/inspected-system.ts';

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
      states: {
        Tracked: {
          states: { availability: { states: { Checking: { invoke: { src: 'checkImage' } } } } },
        },
      },
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
