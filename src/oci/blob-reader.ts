import type { CopyFailure } from '#core/mirroring/copy-outcome.ts';

/** One of those whom a blob is read for. */
export interface BlobReader {
  /** The others go on without it: it reads on by itself, or has to begin by itself. */
  readonly wasLetGo: boolean;
  /** The next block, which is the reader's until it asks again; `undefined` at the end. */
  readonly next: () => Promise<Buffer | undefined>;
  /** Why there is no more, where the end is not the blob's. */
  readonly failure: () => CopyFailure | undefined;
  /** It wants no more. */
  readonly close: () => void;
}

/** The read that a reader takes its blocks from. */
export interface BlockWindow {
  /** The block that a reader is at, once it is there. */
  readonly blockAt: (reader: WindowReader) => Promise<Buffer | undefined>;
  /** What nobody needs any more goes. */
  readonly trim: () => void;
  /** One reader less. */
  readonly remove: (reader: WindowReader) => void;
  /** Why it ended before its end. */
  readonly failure: CopyFailure | undefined;
}

/** Where one reader is. */
export class WindowReader implements BlobReader {
  #blob: BlockWindow;
  /** Of the next block, in the present read. */
  index = 0;
  /** It asked for a block before. */
  isActive = false;
  /** How often it was seen to hold up another. */
  ticksBehind = 0;
  #holds = false;
  #wasLetGo = false;
  #wake: (() => void) | undefined;

  /** At the first block. */
  constructor(blob: BlockWindow) {
    this.#blob = blob;
  }

  /** The first block that must not go. */
  get needs(): number {
    return this.#holds ? this.index - 1 : this.index;
  }

  get wasLetGo(): boolean {
    return this.#wasLetGo;
  }

  /** The block that it was given last may still be on its way. */
  get holds(): boolean {
    return this.#holds;
  }

  readonly next = async (): Promise<Buffer | undefined> => {
    this.isActive = true;
    if (this.#holds) {
      this.#holds = false;
      this.#blob.trim();
    }
    const block = await this.#blob.blockAt(this);
    if (block === undefined) return undefined;
    this.index += 1;
    this.#holds = true;
    return block;
  };

  readonly failure = (): CopyFailure | undefined => this.#blob.failure;

  readonly close = (): void => {
    this.#blob.remove(this);
    this.wake();
  };

  /** Until there may be a block. */
  async wait(): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#wake = resolve;
    await promise;
  }

  /** There may be one. */
  wake(): void {
    this.#wake?.();
  }

  /** The others go on without it. */
  drop(): void {
    this.#wasLetGo = true;
  }

  /** Reads on from there. */
  moveTo(blob: BlockWindow): void {
    this.#blob = blob;
    this.#wasLetGo = true;
    this.ticksBehind = 0;
    this.index = 0;
    this.#holds = false;
  }
}
