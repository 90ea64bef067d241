import type { Readable } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';

/** So many bytes of a body, then whatever `end` does before the stream goes on to its own end. */
export async function* upTo(
  source: Readable,
  bytes: number,
  end: () => Promise<void>,
): AsyncGenerator<Buffer> {
  let left = bytes;
  for await (const part of source as AsyncIterable<Buffer>) {
    if (left > 0) yield part.subarray(0, left);
    left -= part.length;
    if (left > 0) continue;
    await end();
    return;
  }
}

/** A body so many bytes at a time. */
export async function* dripping(
  source: Readable,
  { bytes, everyMs }: { readonly bytes: number; readonly everyMs: number },
): AsyncGenerator<Buffer> {
  for await (const part of source as AsyncIterable<Buffer>) {
    for (let at = 0; at < part.length; at += bytes) {
      yield part.subarray(at, at + bytes);
      await delay(everyMs);
    }
  }
}

/** A body with one bit of one byte changed. */
export async function* flipped(source: Readable, atByte: number): AsyncGenerator<Buffer> {
  let at = 0;
  for await (const part of source as AsyncIterable<Buffer>) {
    const place = atByte - at;
    if (place >= 0 && place < part.length) part.writeUInt8(part.readUInt8(place) ^ 1, place);
    at += part.length;
    yield part;
  }
}

/** A body cut, or filled up with `x`, to a length. */
export async function* resized(source: Readable, bytes: number): AsyncGenerator<Buffer> {
  let left = bytes;
  for await (const part of source as AsyncIterable<Buffer>) {
    if (left > 0) yield part.subarray(0, left);
    left -= part.length;
  }
  if (left > 0) yield Buffer.alloc(left, 'x');
}
