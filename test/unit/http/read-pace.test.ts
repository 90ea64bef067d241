import { Readable } from 'node:stream';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { ReadPace } from '#http/read-pace.ts';

const piece = Buffer.alloc(65_536);

/** Bodies of 4 MiB that are all here already, read at the pace; how much of each was read. */
function readAll(count: number): { readonly read: number[]; readonly ended: Promise<unknown> } {
  const pace = new ReadPace();
  const read = Array.from({ length: count }, () => 0);
  const ended = read.map(
    (_, which) =>
      new Promise((resolve) => {
        const body = Readable.from(Array.from({ length: 64 }, () => piece));
        body.on('data', (data: Buffer) => {
          const bodyBytes = (read[which] ?? 0) + data.length;
          read[which] = bodyBytes;
          pace.received(body, { pieceBytes: data.length, bodyBytes });
        });
        body.once('end', resolve);
      }),
  );
  return { read, ended: Promise.all(ended) };
}

describe('the pace of large bodies', () => {
  test('leaves turns of the event loop to others, and reads all of them to their ends', async () => {
    const { read, ended } = readAll(20);
    let most = 0;
    let before = 0;
    const watch = async (): Promise<void> => {
      while (read.some((bytes) => bytes < 64 * piece.length)) {
        await nextTurn();
        const now = read.reduce((sum, bytes) => sum + bytes, 0);
        most = Math.max(most, now - before);
        before = now;
      }
    };
    await Promise.all([watch(), ended]);
    // Pieces of 20 bodies may be on their way when it says so.
    expect(most).toBeLessThanOrEqual(4 * 1024 * 1024);
    expect(read).toEqual(Array.from({ length: 20 }, () => 64 * piece.length));
  });

  test('never has a small body wait', () => {
    const pace = new ReadPace();
    const body = Readable.from([piece]);
    for (let sent = 0; sent < 100; sent += 1) {
      pace.received(body, { pieceBytes: 10_000, bodyBytes: 10_000 });
    }
    expect(body.isPaused()).toBe(false);
  });
});
