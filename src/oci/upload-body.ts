import type { BlobReader } from './blob-reader.ts';
import { copyFailure } from './copy-failures.ts';
import { ProtocolError } from './errors.ts';
import type { StreamedBody } from './exchange.ts';

/** The bytes of one blob, to be sent in one request or in several. */
export class UploadBytes {
  readonly #reader: BlobReader;
  #first: Promise<Buffer | undefined> | undefined;
  #rest: Buffer | undefined;

  /** `reader` is at its first byte. */
  constructor(reader: BlobReader) {
    this.#reader = reader;
  }

  /** Asks the source for them before anybody takes them. */
  begin(): void {
    if (this.#first !== undefined) return;
    this.#first = this.#reader.next();
    // Seen by whoever takes it, if anybody does.
    this.#first.catch(() => undefined);
  }

  /** At most so many bytes; `undefined` at the end. */
  async take(bytesMax: number): Promise<Buffer | undefined> {
    const first = this.#first;
    this.#first = undefined;
    const block = this.#rest ?? (await (first ?? this.#reader.next()));
    if (block === undefined) return undefined;
    this.#rest = block.length > bytesMax ? block.subarray(bytesMax) : undefined;
    return this.#rest === undefined ? block : block.subarray(0, bytesMax);
  }

  /** Why there are no more, where that is not their end. */
  get failure() {
    return this.#reader.failure();
  }

  /** Nobody sends more of them. */
  close(): void {
    this.#reader.close();
  }
}

/** How one request sends some of the bytes of a blob. */
export interface UploadBodyOptions {
  readonly source: UploadBytes;
  /** Just so many. */
  readonly bytes: number;
  /** Rule 19 of copying: a body without progress for so long is dead. */
  readonly idleMs: number;
  readonly onBytes: (bytes: number) => void;
}

/** The body of one request of an upload. */
export class UploadBody implements StreamedBody {
  readonly bytes: number;
  readonly #options: UploadBodyOptions;
  readonly #stalled = new AbortController();
  #isSpent = false;

  /** Takes no bytes before it is sent. */
  constructor(options: UploadBodyOptions) {
    this.#options = options;
    this.bytes = options.bytes;
  }

  get isSpent(): boolean {
    return this.#isSpent;
  }

  /** Aborts when the other side has taken nothing for too long. */
  get stalled(): AbortSignal {
    return this.#stalled.signal;
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Buffer> {
    const { source, idleMs, onBytes } = this.#options;
    this.#isSpent = true;
    for (let left = this.bytes; left > 0; ) {
      const block = await source.take(left);
      if (block === undefined) throw new ProtocolError('the source has no more of it');
      left -= block.length;
      const timer = setTimeout(() => {
        this.#stalled.abort(new Error(`nothing was taken for ${idleMs} ms`));
      }, idleMs);
      try {
        yield block;
      } finally {
        clearTimeout(timer);
      }
      onBytes(block.length);
    }
  }
}

/** A mirror that takes no more bytes. */
export function stalledFailure(name: string, idleMs: number) {
  const seconds = Math.round(idleMs / 1_000);
  const message = `PUT ${name}: expected the mirror to take bytes, got none taken for ${seconds} s`;
  return copyFailure('target', 'unreachable', message);
}
