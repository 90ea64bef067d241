import { expect, test } from 'vitest';
import { BlockStream } from '#oci/block-stream.ts';
import { BLOCK_BYTES } from '#oci/blocks.ts';

function unpaused() {
  const nothing = () => undefined;
  return new BlockStream({
    ...{ aborted: false, paused: false, reason: null, rawHeaders: null, rawTrailers: null },
    ...{ pause: nothing, resume: nothing, abort: nothing },
  });
}

/** As a socket gives it: in memory of its own. */
function chunkOf(bytes: number, fill: string): Buffer {
  return Buffer.from(new ArrayBuffer(bytes)).fill(fill);
}

test('chunks are joined to blocks, and each has given its memory back when the next one comes', async () => {
  const stream = unpaused();
  const chunks = Array.from({ length: 17 }, (_, index) => chunkOf(16_384, String(index % 10)));
  for (const chunk of chunks) stream.push(chunk);
  stream.end();
  expect(chunks.map(({ buffer }) => buffer.byteLength)).toEqual([...Array(16).fill(0), 16_384]);
  const first = await stream.next();
  expect(first).toHaveLength(BLOCK_BYTES);
  expect(first?.subarray(16_384, 16_388).toString()).toBe('1111');
  expect((await stream.next())?.toString()).toBe('6'.repeat(16_384));
  expect(await stream.next()).toBeUndefined();
});

test('memory in which there is something else than the chunk, or nothing at all, is left alone', () => {
  const stream = unpaused();
  const answer = chunkOf(100, 'x');
  const empty = Buffer.from(new ArrayBuffer(0));
  for (const chunk of [answer.subarray(40), empty, chunkOf(10, 'y')]) stream.push(chunk);
  expect(answer.toString()).toBe('x'.repeat(100));
  expect(() => Buffer.alloc(1).set(empty)).not.toThrow();
});
