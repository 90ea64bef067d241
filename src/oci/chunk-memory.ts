/** Smaller ones are not worth the call. */
const CHUNK_BYTES_MIN = 4_096;

/**
 * Frees what a socket read as soon as it was copied elsewhere. Each chunk has memory of its own
 * outside of the heap, of which the collector lets 50 MiB pile up before it looks; and looking
 * costs a tenth of a copy (`docs/adr/0011-copies-in-blocks.md`).
 */
export class ChunkMemory {
  #last: ArrayBuffer | undefined;

  /** A chunk that is about to be copied; the one before it nobody reads any more. */
  next(chunk: Buffer): void {
    // The parser looks at a chunk until it has come back from here.
    this.#last?.transfer(0);
    const { buffer } = chunk;
    // One that fills its memory: of another the parser may have given away a part alone.
    const isWhole = chunk.length >= CHUNK_BYTES_MIN && chunk.length === buffer.byteLength;
    this.#last = isWhole && buffer instanceof ArrayBuffer ? buffer : undefined;
  }
}
