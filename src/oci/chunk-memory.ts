import { Buffer } from 'node:buffer';

/** Smaller ones cost little, and may be parts of memory that others use. */
const CHUNK_BYTES_MIN = 16_000;

/**
 * Frees what a socket read as soon as it was copied elsewhere. Each chunk has memory of its own
 * outside of the heap, of which the collector lets 50 MiB pile up before it looks; and looking
 * costs a tenth of a copy (`docs/adr/0011-copies-in-blocks.md`).
 */
export class ChunkMemory {
  #last: ArrayBufferLike | undefined;

  /** A chunk that is about to be copied; the one before it nobody reads any more. */
  next(chunk: Buffer): void {
    // The parser gives away one chunk in several parts, and looks at it until it takes the next.
    if (this.#last !== undefined && this.#last !== chunk.buffer) free(this.#last);
    this.#last = chunk.buffer;
  }
}

function free(memory: ArrayBufferLike): void {
  const isOwn = memory.byteLength >= CHUNK_BYTES_MIN && memory.byteLength !== Buffer.poolSize;
  if (isOwn && memory instanceof ArrayBuffer) memory.transfer(0);
}
