import { createHash, randomBytes } from 'node:crypto';
import { setImmediate } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { fail, succeed } from '#core/result.ts';
import type { BlobReader } from '#oci/blob-reader.ts';
import { BLOCK_BYTES } from '#oci/blocks.ts';
import { copyFailure } from '#oci/copy-failures.ts';
import { type BlockSource, SharedBlob, type SharedBlobOptions } from '#oci/shared-blob.ts';

const windowBlocks = 8;

/** A blob of whole blocks, and a source that counts what is taken from it. */
function blobOf(blocks: number, change: Partial<SharedBlobOptions> = {}) {
  const bytes = randomBytes(blocks * BLOCK_BYTES);
  const digest = `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
  const counts = { blocks: 0, opened: 0, closed: 0 };
  const open = (position: number): BlockSource => {
    counts.opened += 1;
    let at = position;
    return {
      next: async () => {
        await setImmediate();
        counts.blocks += 1;
        const block = Buffer.from(bytes.subarray(at, at + BLOCK_BYTES));
        at += block.length;
        return succeed(block.length === 0 ? undefined : block);
      },
      close: () => {
        counts.closed += 1;
      },
    };
  };
  const blob = { digest, size: bytes.length, mediaType: '' };
  return { bytes, counts, shared: new SharedBlob({ blob, open, ...change }) };
}

function join(shared: SharedBlob): BlobReader {
  const reader = shared.join();
  if (reader === undefined) throw new Error('too late');
  return reader;
}

/** All that a reader gets, as long as it gets any. */
async function drain(reader: BlobReader, blocksMax = Number.POSITIVE_INFINITY): Promise<Buffer> {
  const parts: Buffer[] = [];
  for (let count = 0; count < blocksMax; count += 1) {
    const block = await reader.next();
    if (block === undefined) break;
    // What is given belongs to the reader until it asks again, and no longer.
    parts.push(Buffer.from(block));
  }
  return Buffer.concat(parts);
}

async function turns(count = 100): Promise<void> {
  for (let turn = 0; turn < count; turn += 1) await setImmediate();
}

describe('one read for several', () => {
  test('gives each all bytes, and takes them from the source once', async () => {
    const { shared, counts, bytes } = blobOf(20);
    const readers = [join(shared), join(shared), join(shared)];
    const read = await Promise.all(readers.map(async (reader) => await drain(reader)));
    for (const one of read) expect(one.equals(bytes)).toBe(true);
    expect(counts.blocks).toBe(20);
    expect(counts.opened).toBe(1);
  });

  test('waits when the slowest is a window behind', async () => {
    const { shared, counts } = blobOf(20);
    const fast = join(shared);
    const slow = join(shared);
    void drain(fast);
    await slow.next();
    await turns();
    expect(counts.blocks).toBe(windowBlocks);
    await slow.next();
    await turns();
    expect(counts.blocks).toBe(windowBlocks + 1);
    slow.close();
    await turns();
    expect(counts.blocks).toBe(20);
  });

  test('lets go who stays a window behind, who reads on by itself from where it was', async () => {
    const { shared, counts, bytes } = blobOf(20, { patienceMs: 50 });
    const fast = join(shared);
    const slow = join(shared);
    const first = Buffer.from((await slow.next()) ?? '');
    expect((await drain(fast)).equals(bytes)).toBe(true);
    const rest = await drain(slow);
    expect(Buffer.concat([first, rest]).equals(bytes)).toBe(true);
    expect(slow.failure()).toBeUndefined();
    expect(counts.opened).toBe(2);
    // Its own read begins after the window that it took along.
    expect(counts.blocks).toBeLessThanOrEqual(20 + 20 - windowBlocks);
  });

  test('does not let go anybody as long as nobody waits', async () => {
    const { shared, counts } = blobOf(20, { patienceMs: 20 });
    const readers = [join(shared), join(shared)];
    for (const reader of readers) await reader.next();
    await new Promise((resolve) => setTimeout(resolve, 80));
    expect(counts.opened).toBe(1);
    for (const reader of readers) reader.close();
  });

  test('takes in who comes while the first blocks are kept, and nobody later', async () => {
    let isOpen = true;
    const { shared, bytes } = blobOf(20, { isOpen: () => isOpen });
    const first = join(shared);
    await drain(first, 4);
    const second = join(shared);
    const reading = Promise.all([drain(first), drain(second)]);
    expect((await reading)[1].equals(bytes)).toBe(true);
    isOpen = false;
    shared.trim();
    expect(shared.join()).toBeUndefined();
  });

  test('ends at the source when nobody reads any more', async () => {
    const { shared, counts } = blobOf(20);
    const reader = join(shared);
    await reader.next();
    reader.close();
    await turns();
    expect(counts.closed).toBeGreaterThan(0);
    expect(counts.blocks).toBeLessThanOrEqual(windowBlocks);
    expect(await reader.next()).toBeUndefined();
  });
});

describe('what is not what its digest says (rule 10)', () => {
  test('is told before its last block is given', async () => {
    const { shared } = blobOf(4, {
      blob: { digest: `sha256:${'0'.repeat(64)}`, size: 4 * BLOCK_BYTES, mediaType: '' },
    });
    const reader = join(shared);
    expect(await drain(reader)).toHaveLength(3 * BLOCK_BYTES);
    expect(reader.failure()).toMatchObject({ side: 'source', reason: 'corrupt' });
  });

  test('may be empty', async () => {
    const empty = createHash('sha256').digest('hex');
    for (const [hex, failure] of [
      [empty, undefined],
      ['0'.repeat(64), { reason: 'corrupt' }],
    ] as const) {
      const { shared } = blobOf(0, { blob: { digest: `sha256:${hex}`, size: 0, mediaType: '' } });
      const reader = join(shared);
      expect(await reader.next()).toBeUndefined();
      if (failure === undefined) expect(reader.failure()).toBeUndefined();
      else expect(reader.failure()).toMatchObject(failure);
    }
  });

  test('nor is what is longer or shorter than declared', async () => {
    for (const size of [3 * BLOCK_BYTES - 1, 4 * BLOCK_BYTES + 1]) {
      const { shared } = blobOf(4, {
        blob: { digest: `sha256:${'0'.repeat(64)}`, size, mediaType: '' },
      });
      const reader = join(shared);
      const got = await drain(reader);
      expect(got.length).toBeLessThanOrEqual(size);
      expect(reader.failure()).toMatchObject({ reason: 'corrupt' });
    }
  });

  test('and a bug meets whoever reads', async () => {
    const { shared } = blobOf(4, {
      open: () => ({ next: () => Promise.reject(new Error('a bug')), close: () => undefined }),
    });
    await expect(join(shared).next()).rejects.toThrow('a bug');
  });

  test('and a source that fails tell all readers why', async () => {
    const failure = copyFailure('source', 'unreachable', 'gone');
    const { shared } = blobOf(4, {
      open: () => ({ next: async () => fail(failure), close: () => undefined }),
    });
    const readers = [join(shared), join(shared)];
    for (const reader of readers) {
      expect(await reader.next()).toBeUndefined();
      expect(reader.failure()).toBe(failure);
    }
  });
});
