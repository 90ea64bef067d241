import { setImmediate } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { Slots } from '#oci/slots.ts';

const never = new AbortController().signal;

test('slots are given so many at once of each name, in the order of coming', async () => {
  const slots = new Slots(2);
  const order: number[] = [];
  const releases = new Map<number, () => void>();
  for (const index of [0, 1, 2, 3]) {
    void slots.take('one', never).then((release) => {
      order.push(index);
      releases.set(index, release);
    });
  }
  await slots.take('other', never);
  await setImmediate();
  expect(order).toEqual([0, 1]);
  releases.get(1)?.();
  // A second time it is nobody's to give.
  releases.get(1)?.();
  await setImmediate();
  expect(order).toEqual([0, 1, 2]);
  releases.get(0)?.();
  await setImmediate();
  expect(order).toEqual([0, 1, 2, 3]);
});

test('who is called off while waiting takes none', async () => {
  const slots = new Slots(1);
  const release = await slots.take('one', never);
  const calledOff = new AbortController();
  const waiting = slots.take('one', calledOff.signal);
  const next = slots.take('one', never);
  calledOff.abort();
  (await waiting)();
  release();
  (await next)();
  (await slots.take('one', never))();
});
