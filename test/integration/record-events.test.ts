import { expect, onTestFinished, test } from 'vitest';
import { EventRecorder } from '#actors/event-recorder.ts';
import { createLog } from '#telemetry/log.ts';
import { eventsOf } from '#test/support/api-server/events.ts';
import { adminClient } from '#test/support/api-server/kube-client.ts';
import { freshNamespace } from '#test/support/api-server/plane.ts';
import { eventually } from '#test/support/time/eventually.ts';
import { createRealRuntime } from '#test/support/time/real-runtime.ts';

/** One process that tells, and all that it complains of. */
async function startRecorder() {
  const client = await adminClient();
  const lines: string[] = [];
  const destination = { write: (line: string) => void lines.push(line) };
  const log = createLog({ level: 'warn', format: 'json', destination });
  const recorder = new EventRecorder(createRealRuntime({ log }), { client, instance: 'test' });
  onTestFinished(recorder.close);
  return { record: recorder.record, lines };
}

const noteOn = (namespace: string, name: string, uid: string) => ({
  regarding: { apiVersion: 'v1', kind: 'Pod', namespace, name, uid },
  ...({ type: 'Normal', reason: 'Rewritten', action: 'Route', note: 'rewritten' } as const),
});
const told = (namespace: string, uid: string) =>
  eventually(`${uid} is told`, async () => {
    const events = await eventsOf(uid, namespace);
    return events.length > 0 && events;
  });

test('what is told once is told once by all processes together, and nobody complains', async () => {
  const namespace = await freshNamespace();
  // A name that is cut right behind a hyphen.
  const name = `${'a'.repeat(199)}-${'b'.repeat(20)}`;
  const note = { ...noteOn(namespace, name, 'uid-1'), onceAs: 'rewritten.uid-1' };
  const recorders = [await startRecorder(), await startRecorder()];
  for (const [index, { record }] of recorders.entries()) {
    record(note);
    record(noteOn(namespace, name, `after-${index}`));
    await told(namespace, `after-${index}`);
  }
  expect(await told(namespace, 'uid-1')).toHaveLength(1);
  expect(recorders.flatMap(({ lines }) => lines)).toEqual([]);
});

test('a note of any length and script is told, as far as the API server takes it', async () => {
  const namespace = await freshNamespace();
  const { record, lines } = await startRecorder();
  const long = `${'é'.repeat(400)}\n${'漢'.repeat(400)}`;
  record({ ...noteOn(namespace, 'app', 'uid-3'), note: long });
  const [event] = await told(namespace, 'uid-3');
  expect(event?.note).toMatch(/^é{400} 漢+…$/);
  expect(lines).toEqual([]);
});

test('notes that differ are one event where they are told to fold', async () => {
  const namespace = await freshNamespace();
  const { record } = await startRecorder();
  for (const ms of [3, 4, 5]) {
    record({ ...noteOn(namespace, 'app', 'uid-2'), note: `after ${ms} ms`, foldAs: 'app' });
  }
  record(noteOn(namespace, 'app', 'after'));
  await told(namespace, 'after');
  expect(await told(namespace, 'uid-2')).toMatchObject([{ note: 'after 3 ms' }]);
});
