import { expect, onTestFinished, test } from 'vitest';
import { EventRecorder } from '#actors/event-recorder.ts';
import { type Result, succeed } from '#core/result.ts';
import type { ApiCall } from '#kube/client.ts';
import type { ApiFailure } from '#kube/failures.ts';
import { createTestRuntime } from '#test/support/time/test-runtime.ts';
import { turns } from '#test/support/time/turns.ts';

/** A recorder whose calls are answered by `answer`. */
function startRecorder(answer: (call: ApiCall) => Promise<void>) {
  const runtime = createTestRuntime();
  const sent: ApiCall[] = [];
  const client = {
    call: async <T>(call: ApiCall) => {
      sent.push(call);
      await answer(call);
      return succeed({}) as unknown as Result<T, ApiFailure>;
    },
  };
  const recorder = new EventRecorder(runtime, { client, instance: 'test' });
  onTestFinished(recorder.close);
  const say = (note: string) =>
    recorder.record({
      regarding: { apiVersion: 'v1', kind: 'Pod', namespace: 'apps', name: 'app' },
      ...{ type: 'Normal', reason: 'Tested', action: 'Test', note },
    });
  return { runtime, recorder, sent, say };
}

const messages = ({ lines }: ReturnType<typeof createTestRuntime>) => lines().map(({ msg }) => msg);

test('events are written one after the other, and what is too much is dropped and told', async () => {
  const { promise, resolve } = Promise.withResolvers<void>();
  const { runtime, sent, say } = startRecorder(() => promise);
  for (let n = 0; n < 502; n += 1) say(`event ${n}`);
  await turns();
  expect(sent).toHaveLength(1);
  expect(messages(runtime)).toEqual(['too many events wait; one is dropped']);
  resolve();
  await turns(2_000);
  expect(sent).toHaveLength(501);
});

test('nothing is written any more once it is closed', async () => {
  const { promise, resolve } = Promise.withResolvers<void>();
  const { runtime, recorder, sent, say } = startRecorder(() => promise);
  for (const note of ['one', 'another', 'one']) say(note);
  recorder.close();
  resolve();
  say('yet another');
  await turns();
  runtime.clock.advance(60_000);
  await turns();
  expect(sent).toHaveLength(1);
  expect(messages(runtime)).toEqual([]);
});

test('a bug is told to log and metric, and the next event is written', async () => {
  let isBroken = true;
  const { runtime, sent, say } = startRecorder(async () => {
    if (isBroken) throw new Error('a bug');
  });
  say('one');
  await turns();
  isBroken = false;
  say('another');
  await turns();
  expect(sent).toHaveLength(2);
  expect(runtime.lines()).toMatchObject([
    { level: 'error', actor: 'events', err: { message: 'a bug' } },
  ]);
  expect(await runtime.text()).toContain('actor_crashes_total{type="events"} 1');
});

test('events that repeat are one, counted a minute later, and a new one after ten silent minutes', async () => {
  const { runtime, sent, say } = startRecorder(async () => {});
  say('again');
  say('again');
  await turns();
  runtime.clock.advance(60_000);
  await turns();
  expect(sent.map(({ method }) => method)).toEqual(['POST', 'PATCH']);
  expect(sent[1]?.body).toMatchObject({ series: { count: 2 } });
  runtime.clock.advance(600_000);
  say('again');
  await turns();
  expect(sent.map(({ method }) => method)).toEqual(['POST', 'PATCH', 'POST']);
});
