import { EventEmitter } from 'node:events';
import type { ServerResponse } from 'node:http';
import { expect, test } from 'vitest';
import { SharedBodies } from '#http/shared-bodies.ts';

/** A response of which all that matters here is whether it was cut off. */
function reader() {
  const events = new EventEmitter();
  const cut = { value: false };
  const destroy = () => {
    cut.value = true;
    events.emit('close');
  };
  return { response: Object.assign(events, { destroy }) as unknown as ServerResponse, cut };
}

test('who still reads an old body is cut off where all of them are too much', () => {
  const bodies = new SharedBodies(250);
  const [one, two, three] = [Buffer.alloc(100), Buffer.alloc(100), Buffer.alloc(100)];
  const slow = [reader(), reader()];
  for (const { response } of slow) bodies.sending(one, response);
  const later = reader();
  bodies.sending(two, later.response);
  const last = reader();
  bodies.sending(three, last.response);
  expect(slow.map(({ cut }) => cut.value)).toEqual([true, true]);
  expect([later.cut.value, last.cut.value]).toEqual([false, false]);
});

test('a body counts once for all who read it, and no longer than they do', () => {
  const bodies = new SharedBodies(250);
  const body = Buffer.alloc(200);
  const readers = Array.from({ length: 10 }, reader);
  for (const { response } of readers) bodies.sending(body, response);
  for (const { response } of readers) response.emit('close');
  const next = reader();
  bodies.sending(Buffer.alloc(200), next.response);
  expect([...readers, next].map(({ cut }) => cut.value)).not.toContain(true);
});
