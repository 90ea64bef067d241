import { createHash, type Hash } from 'node:crypto';
import type { CopyFailure } from '#core/mirroring/copy-outcome.ts';
import type { Result } from '#core/result.ts';
import { BLOCK_BYTES, giveBlock } from './blocks.ts';
import { copyFailure } from './copy-failures.ts';
import type { Descriptor } from './image-manifest.ts';

/** What gives the bytes of a blob: `BlobSource`. */
export interface BlockSource {
  readonly next: () => Promise<Result<Buffer | undefined, CopyFailure>>;
  readonly close: () => void;
}

/** How one blob is read. */
export interface SharedBlobOptions {
  readonly blob: Descriptor;
  /** Reads it from a position on. */
  readonly open: (position: number, signal: AbortSignal) => BlockSource;
  /** How long one that is a window behind may hold up the others. */
  readonly patienceMs?: number;
  /** Whether others may still come that begin with the first block. */
  readonly isOpen?: () => boolean;
}

/** One of those whom a blob is read for. */
export interface BlobReader {
  /** It was let go before it began. */
  readonly isDropped: boolean;
  /** The next block, which is the reader's until it asks again; `undefined` at the end. */
  readonly next: () => Promise<Buffer | undefined>;
  /** Why there is no more, where the end is not the blob's. */
  readonly failure: () => CopyFailure | undefined;
  /** It wants no more. */
  readonly close: () => void;
}

/** Blocks that the fastest reader may be ahead of the slowest: 2 MiB. */
export const WINDOW_BLOCKS = 8;
const PATIENCE_MS = 5_000;
/** How often in that time it is looked at who holds up whom. */
const PATIENCE_TICKS = 10;

/** What a read goes on from when it leaves the others. */
interface Beginning {
  readonly position: number;
  readonly blocks: readonly Buffer[];
  readonly hash: Hash;
}

/**
 * One read of a blob for all who want it at the same time (section 5 of copying): the source waits
 * when the slowest is a window behind; one that stays so while another waits is let go, and reads
 * on by itself. The digest is computed here, over the blocks that are given, and compared before the
 * last one is (rule 10).
 */
export class SharedBlob {
  readonly #options: SharedBlobOptions;
  readonly #readers = new Set<Reader>();
  readonly #abort = new AbortController();
  readonly #source: BlockSource;
  readonly #hash: Hash;
  /** Blocks from `#first` on, counted from the beginning of this read. */
  readonly #blocks: Buffer[];
  #first = 0;
  #position: number;
  #isOver = false;
  #failure: CopyFailure | undefined;
  #roomWanted: (() => void) | undefined;
  #watch: NodeJS.Timeout | undefined;

  /** Asks for nothing before the first reader wants a block. */
  constructor(options: SharedBlobOptions, from?: Beginning) {
    this.#options = options;
    this.#hash = from?.hash ?? createHash(options.blob.digest.slice(0, 6));
    this.#blocks = [...(from?.blocks ?? [])];
    this.#position = from?.position ?? 0;
    this.#source = options.open(this.#position, this.#abort.signal);
  }

  /** One more reader from the first byte; `undefined` where that is gone. */
  join(): BlobReader | undefined {
    return this.#first > 0 || this.#abort.signal.aborted ? undefined : this.#add();
  }

  /** What nobody needs any more goes. */
  trim(mayReuse = true): void {
    // Those who might still come are waited for as long as they hold up nobody.
    const isOpen = this.#options.isOpen?.() === true && this.#hasRoom();
    const needed = [...this.#readers].map(({ needs }) => needs);
    const until = isOpen ? 0 : Math.min(...needed, this.#front);
    while (this.#first < until) {
      const block = this.#blocks.shift();
      this.#first += 1;
      if (block !== undefined && mayReuse) giveBlock(block);
    }
    if (this.#hasRoom()) this.#roomWanted?.();
    if (this.#readers.size === 0 && !isOpen) this.#end();
  }

  /** The block at an index once it is there. */
  async blockAt(reader: Reader): Promise<Buffer | undefined> {
    this.#start();
    while (reader.index >= this.#front && !this.#isOver) await reader.wait();
    return this.#readers.has(reader) ? this.#blocks[reader.index - this.#first] : undefined;
  }

  /** Why it ended before its end. */
  get failure(): CopyFailure | undefined {
    return this.#failure;
  }

  /** One reader less. */
  remove(reader: Reader): void {
    this.#readers.delete(reader);
    this.trim();
  }

  get #front(): number {
    return this.#first + this.#blocks.length;
  }

  #add(): Reader {
    const reader = new Reader(this);
    this.#readers.add(reader);
    return reader;
  }

  #start(): void {
    if (this.#watch !== undefined) return;
    const { patienceMs = PATIENCE_MS } = this.#options;
    this.#watch = setInterval(() => this.#letGo(), patienceMs / PATIENCE_TICKS);
    void this.#pump();
  }

  async #pump(): Promise<void> {
    const { size } = this.#options.blob;
    while (this.#position < size && !this.#abort.signal.aborted) {
      if (!this.#hasRoom()) await this.#room();
      if (this.#abort.signal.aborted) break;
      const read = await this.#source.next();
      if (!read.ok) return this.#fail(read.error);
      const problem = this.#take(read.value);
      if (problem !== undefined) return this.#fail(copyFailure('source', 'corrupt', problem));
    }
    if (size === 0 && !this.#isRight())
      return this.#fail(copyFailure('source', 'corrupt', this.#wrong()));
    this.#finish();
  }

  /** Gives one block to the readers, unless something is wrong with it. */
  #take(block: Buffer | undefined): string | undefined {
    const { digest, size } = this.#options.blob;
    const got = this.#position + (block?.length ?? 0);
    if (block === undefined || got > size) {
      return `${digest}: expected ${size} bytes, got ${block === undefined ? got : 'more'}`;
    }
    this.#hash.update(block);
    this.#position = got;
    if (got === size && !this.#isRight()) return this.#wrong();
    this.#blocks.push(block);
    this.#wake();
    return undefined;
  }

  #isRight(): boolean {
    const { digest } = this.#options.blob;
    return this.#hash.copy().digest('hex') === digest.slice(digest.indexOf(':') + 1);
  }

  #wrong(): string {
    return `${this.#options.blob.digest}: expected these bytes, got others`;
  }

  #fail(failure: CopyFailure): void {
    this.#failure = failure;
    this.#finish();
  }

  #finish(): void {
    this.#isOver = true;
    clearInterval(this.#watch);
    this.#source.close();
    this.#wake();
  }

  #wake(): void {
    for (const reader of this.#readers) reader.wake();
  }

  #hasRoom(): boolean {
    return this.#blocks.length < WINDOW_BLOCKS;
  }

  async #room(): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#roomWanted = resolve;
    this.trim();
    await promise;
    this.#roomWanted = undefined;
  }

  /** Those who stay a whole window behind go on by themselves, where somebody waits for them. */
  #letGo(): void {
    const readers = [...this.#readers];
    const isHeldUp = !this.#hasRoom() && readers.some(({ index }) => index >= this.#front);
    for (const reader of readers) {
      if (this.#front - reader.needs <= WINDOW_BLOCKS / 2) reader.ticksBehind = 0;
      if (isHeldUp && reader.needs === this.#first) reader.ticksBehind += 1;
      if (reader.ticksBehind < PATIENCE_TICKS) continue;
      this.#readers.delete(reader);
      if (reader.isActive) reader.moveTo(this.#split(reader));
      else reader.drop();
    }
    // A block that one of them has is still on its way to its mirror.
    this.trim(false);
  }

  /** A read of its own from where a reader is; it takes along what it was not given yet. */
  #split(reader: Reader): SharedBlob {
    const { isOpen: _, ...options } = this.#options;
    const own = new SharedBlob(options, {
      position: this.#position,
      // Not those of the others: these are read until the reader asks for the next one.
      blocks: this.#blocks.slice(reader.index - this.#first).map((block) => Buffer.from(block)),
      hash: this.#hash.copy(),
    });
    own.#readers.add(reader);
    return own;
  }

  #end(): void {
    this.#abort.abort(new Error('nobody reads this blob any more'));
    this.#finish();
    this.#roomWanted?.();
    for (const block of this.#blocks.splice(0)) giveBlock(block);
  }
}

/** Where one reader is. */
class Reader implements BlobReader {
  #blob: SharedBlob;
  /** Of the next block, in the present read. */
  index = 0;
  /** It asked for a block before. */
  isActive = false;
  /** How often it was seen to hold up another. */
  ticksBehind = 0;
  #holds = false;
  #isDropped = false;
  #wake: (() => void) | undefined;

  constructor(blob: SharedBlob) {
    this.#blob = blob;
  }

  /** The first block that must not go. */
  get needs(): number {
    return this.#holds ? this.index - 1 : this.index;
  }

  /** It was let go before it began. */
  get isDropped(): boolean {
    return this.#isDropped;
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

  async wait(): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#wake = resolve;
    await promise;
  }

  wake(): void {
    this.#wake?.();
  }

  drop(): void {
    this.#isDropped = true;
  }

  /** Reads on from there. */
  moveTo(blob: SharedBlob): void {
    this.#blob = blob;
    this.ticksBehind = 0;
    this.index = 0;
    this.#holds = false;
  }
}

/** Bytes that one blob takes in memory at most while it is read. */
export const SHARED_BYTES_MAX = WINDOW_BLOCKS * BLOCK_BYTES;
