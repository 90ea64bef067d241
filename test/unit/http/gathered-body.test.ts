import { randomBytes } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { GatheredBody } from '#http/gathered-body.ts';

/** As a parser gives it: in memory of its own. */
function pieceOf(bytes: Buffer): Buffer {
  const piece = Buffer.from(new ArrayBuffer(bytes.length));
  bytes.copy(piece);
  return piece;
}

function gather(whole: Buffer, pieceBytes: number) {
  const body = new GatheredBody();
  const pieces: Buffer[] = [];
  for (let at = 0; at < whole.length; at += pieceBytes) {
    const piece = pieceOf(whole.subarray(at, at + pieceBytes));
    pieces.push(piece);
    body.add(piece);
  }
  return { body, pieces };
}

describe('a body that comes in pieces', () => {
  test.each([0, 1, 65_536, 65_537, 262_144, 262_145, 1_000_003])(
    'of %i bytes is what was sent',
    (length) => {
      const whole = randomBytes(length);
      for (const pieceBytes of [16_384, 300_000]) {
        const { body } = gather(whole, pieceBytes);
        expect(body.bytes).toBe(length);
        expect(body.whole().equals(whole)).toBe(true);
      }
    },
  );

  test('keeps the memory of no piece, once it is large', () => {
    const { pieces } = gather(randomBytes(1_000_000), 16_384);
    const kept = pieces.reduce((sum, { buffer }) => sum + buffer.byteLength, 0);
    expect(kept).toBeLessThanOrEqual(65_536);
  });

  test('that nobody is going to read any more takes no memory', () => {
    const { body, pieces } = gather(randomBytes(60_000), 16_384);
    body.release();
    expect(pieces.map(({ buffer }) => buffer.byteLength)).toEqual([0, 0, 0, 0]);
  });

  test('leaves alone a piece that is a part of something else', () => {
    const shared = randomBytes(200_000);
    const before = Buffer.from(shared);
    const body = new GatheredBody();
    body.add(shared.subarray(0, 100_000));
    body.add(shared.subarray(100_000));
    expect(shared.equals(before)).toBe(true);
    expect(body.whole().equals(before)).toBe(true);
  });
});
