import { describe, expect, onTestFinished, test } from 'vitest';
import { EventRecorder } from '#actors/event-recorder.ts';
import type { EventNote } from '#kube/events.ts';
import { createLog } from '#telemetry/log.ts';
import { refusal } from '#test/support/api-server/api-proxy.ts';
import { eventsIn } from '#test/support/api-server/events.ts';
import { admin, freshNamespace } from '#test/support/api-server/plane.ts';
import { proxiedClient, proxyToPlane } from '#test/support/api-server/watch-stage.ts';
import { eventually } from '#test/support/time/eventually.ts';
import { createTestRuntime } from '#test/support/time/test-runtime.ts';

/** A series is written at most so often. */
const foldEveryMs = 60_000;

/** A recorder before a proxy, in simulated time, and what it has written about one object. */
async function startRecorder() {
  const proxy = await proxyToPlane();
  const namespace = await freshNamespace('events');
  const lines: string[] = [];
  const destination = { write: (line: string) => lines.push(line) };
  const log = createLog({ level: 'info', format: 'json', destination });
  const runtime = { ...createTestRuntime(), log, random: () => 0 };
  const client = await proxiedClient(proxy);
  const recorder = new EventRecorder(runtime, { client, instance: 'a-test' });
  onTestFinished(recorder.close);
  return {
    ...{ proxy, lines, clock: runtime.clock },
    say: (note = 'it happened', more: Pick<EventNote, 'onceAs'> = {}) =>
      recorder.record({
        ...more,
        regarding: { apiVersion: 'v1', kind: 'Pod', namespace, name: 'app' },
        type: 'Warning',
        reason: 'Tested',
        action: 'Test',
        note,
      }),
    /** Everything that was said, with how often; all of it one event each. */
    written: async (): Promise<Record<string, number>> => {
      const items = await eventsIn(namespace);
      expect(new Set(items.map(({ note }) => note)).size).toBe(items.length);
      return Object.fromEntries(items.map(({ note, series }) => [note, series?.count ?? 1]));
    },
    removeAll: async () => {
      const path = `/apis/events.k8s.io/v1/namespaces/${namespace}/events`;
      for (const { metadata } of await eventsIn(namespace)) {
        await admin().remove(`${path}/${metadata.name}`);
      }
    },
  };
}

type Recorder = Awaited<ReturnType<typeof startRecorder>>;

async function becomes({ written }: Recorder, wanted: Record<string, number>): Promise<void> {
  await eventually(`the events are ${JSON.stringify(wanted)}`, async () => {
    expect(await written()).toEqual(wanted);
    return true;
  });
}

describe('events', () => {
  test('that repeat become one that counts, however often they happen', async () => {
    const stage = await startRecorder();
    for (let n = 0; n < 100; n += 1) stage.say();
    await becomes(stage, { 'it happened': 1 });
    stage.clock.advance(foldEveryMs);
    await becomes(stage, { 'it happened': 100 });
    expect(stage.proxy.requests()).toHaveLength(2);
  });

  test('wait for a throttling API server as long as it asks, and are written once', async () => {
    const stage = await startRecorder();
    const throttled = refusal(429, 'TooManyRequests', { 'retry-after': '1' });
    stage.proxy.setRules({ method: 'POST', fault: throttled, times: 2 });
    const startedMs = performance.now();
    stage.say('first');
    stage.say('second');
    await becomes(stage, { first: 1, second: 1 });
    expect(performance.now() - startedMs).toBeGreaterThan(1_990);
    expect(stage.proxy.requests()).toHaveLength(4);
  });

  test('that are told once are tried again until they are there, and never counted', async () => {
    const stage = await startRecorder();
    stage.proxy.setRules({ fault: refusal(500, 'InternalError') });
    const once = { onceAs: 'tested.1' };
    stage.say('once', once);
    await eventually('it is given up', () => stage.lines.length === 1);
    stage.proxy.setRules();
    for (let n = 0; n < 2; n += 1) {
      stage.say('once', once);
      stage.clock.advance(foldEveryMs);
      await becomes(stage, { once: 1 });
    }
    stage.say('and another');
    await becomes(stage, { once: 1, 'and another': 1 });
  });

  test('that a failing API server never took are written when they happen again', async () => {
    const stage = await startRecorder();
    stage.proxy.setRules({ fault: refusal(500, 'InternalError') });
    stage.say();
    await eventually('it is given up', () =>
      stage.lines.some((line) => line.includes('an event could not be written')),
    );
    stage.proxy.setRules();
    stage.say();
    stage.clock.advance(foldEveryMs);
    await becomes(stage, { 'it happened': 1 });
  });

  test('that were written before a failure are counted on after it', async () => {
    const stage = await startRecorder();
    stage.say();
    await becomes(stage, { 'it happened': 1 });
    stage.proxy.setRules({ fault: refusal(503, 'ServiceUnavailable') });
    stage.proxy.resetCounts();
    stage.say();
    stage.clock.advance(foldEveryMs);
    await eventually('it is given up', () => stage.proxy.requests().length === 4);
    stage.proxy.setRules();
    stage.say();
    stage.clock.advance(foldEveryMs);
    await becomes(stage, { 'it happened': 3 });
  });

  test('that the API server has forgotten are written anew', async () => {
    const stage = await startRecorder();
    stage.say();
    await becomes(stage, { 'it happened': 1 });
    await stage.removeAll();
    stage.say();
    stage.clock.advance(foldEveryMs);
    await becomes(stage, { 'it happened': 1 });
    stage.say();
    stage.clock.advance(foldEveryMs);
    await becomes(stage, { 'it happened': 2 });
  });
});
