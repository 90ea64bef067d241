import { describe, expect, onTestFinished, test } from 'vitest';
import { createActor } from 'xstate';
import { newsMs, recordNothingAvailable, rewriteEventsLogic } from '#actors/routing/pod-events.ts';
import type { PodAdmission } from '#core/pod.ts';
import type { RouteDecision } from '#core/routing/decision.ts';
import type { EventNote } from '#kube/events.ts';
import { createInterner } from '#kube/intern.ts';
import { type SlimPod, slimPod } from '#kube/slim-pod.ts';
import { createStore } from '#kube/store.ts';

const nowMs = Date.parse('2026-01-02T03:04:05Z');

function podOf(name: string, { uid = name, ageMs = 0, original = 'nginx' } = {}): SlimPod {
  const pod = {
    metadata: {
      ...{ name, uid, namespace: 'apps' },
      creationTimestamp: new Date(nowMs - ageMs).toISOString(),
      annotations: { 'kuik.enix.io/original-images': JSON.stringify({ app: original }) },
    },
    spec: { containers: [{ name: 'app', image: 'm.example.com/nginx' }] },
  };
  return slimPod(pod, createInterner());
}

describe('a rewritten Pod', () => {
  function lead() {
    const pods = createStore<SlimPod>();
    const notes: EventNote[] = [];
    const events = { record: (note: EventNote) => notes.push(note) };
    const logic = rewriteEventsLogic({ now: () => nowMs }, { pods, events });
    const put = (pod: SlimPod) => pods.put(`apps/${pod.name}`, pod);
    const start = () => {
      const actor = createActor(logic);
      onTestFinished(() => void actor.stop());
      actor.start();
      return actor;
    };
    return { put, notes, start };
  }

  test('is told of once, however often it changes, and anew as another of the same name', () => {
    const { put, notes, start } = lead();
    start();
    put(podOf('db-0'));
    put(podOf('db-0'));
    put(podOf('db-0', { uid: 'second' }));
    expect(notes).toMatchObject([
      {
        regarding: { apiVersion: 'v1', kind: 'Pod', namespace: 'apps', name: 'db-0', uid: 'db-0' },
        ...{ type: 'Normal', reason: 'Rewritten', onceAs: 'rewritten.db-0' },
        note: 'app runs m.example.com/nginx instead of nginx',
      },
      { onceAs: 'rewritten.second' },
    ]);
  });

  test('that came before this process led is told of under the same name, unless it is old', () => {
    const { put, notes, start } = lead();
    put(podOf('old', { ageMs: newsMs + 1 }));
    put(podOf('new', { ageMs: newsMs - 1 }));
    start().stop();
    start();
    expect(notes.map(({ onceAs }) => onceAs)).toEqual(['rewritten.new', 'rewritten.new']);
  });

  test('is the only one that is told of, and by nobody who does not lead', () => {
    const { put, notes, start } = lead();
    start().stop();
    put(podOf('after'));
    start();
    put(podOf('untouched', { original: 'm.example.com/nginx' }));
    expect(notes.map(({ regarding }) => regarding.name)).toEqual(['after']);
  });
});

describe('where nothing answered', () => {
  const decision = (message: string): RouteDecision => ({
    ...{ key: 'app', image: 'nginx', winner: 'nginx', by: 'original', candidates: [], ms: 1 },
    ...{ reason: 'NothingAvailable', message },
  });
  async function told(
    metadata: object,
    messages: readonly string[],
    isThere = true,
  ): Promise<EventNote[]> {
    const notes: EventNote[] = [];
    const events = { record: (note: EventNote) => notes.push(note) };
    const pod = { metadata } as PodAdmission['pod'];
    const admission = { pod, namespace: 'apps', subresource: '', dryRun: false, uid: '1' } as const;
    const owners = { isThere: async () => isThere };
    await recordNothingAvailable({ events, owners }, admission, messages.map(decision));
    return notes;
  }
  const owner = { apiVersion: 'apps/v1', kind: 'ReplicaSet', name: 'web-1', uid: 'u' };

  test('the controlling owner is told, and what differs from time to time folds all the same', async () => {
    const ownerReferences = [
      { ...owner, name: 'other' },
      { ...owner, controller: true },
    ];
    const notes = await told({ ownerReferences }, ['after 3 ms', 'after 4 ms']);
    expect(notes[0]).toEqual({
      regarding: { ...owner, namespace: 'apps' },
      ...{ type: 'Warning', reason: 'NothingAvailable', action: 'Route', note: 'after 3 ms' },
      foldAs: 'app nginx',
    });
    expect(notes[1]?.foldAs).toBe(notes[0]?.foldAs);
  });

  test.each([
    ['a bare Pod', {}],
    ['a Pod whose owners control nothing', { ownerReferences: [owner] }],
    ['what is no list', { ownerReferences: { controller: true } }],
  ])('%s has nobody to tell', async (_, metadata) => {
    expect(await told(metadata, ['nothing is available'])).toEqual([]);
  });

  test('an owner that is not there is not told', async () => {
    const ownerReferences = [{ ...owner, controller: true }];
    expect(await told({ ownerReferences }, ['nothing is available'], false)).toEqual([]);
  });
});
