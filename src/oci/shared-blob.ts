import { createHash, type Hash } from 'node:crypto';
import type { CopyFailure } from '#core/mirroring/copy-outcome.ts';
import type { Result } from '#core/result.ts';
import { type BlobReader, WindowReader } from './blob-reader.ts';
import { giveBlock } from './blocks.ts';
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

/** Blocks that the fastest reader may be ahead of the slowest: 2 MiB. */
const WINDOW_BLOCKS = 8;
/** Blocks that wait for a reader that is alone: one that it sends, and the next ones. */
const LONE_BLOCKS = 3;
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
  readonly #readers = new Set<WindowReader>();
  readonly #abort = new AbortController();
  readonly #source: BlockSource;
  readonly #hash: Hash;
  /** Blocks from `#first` on, counted from the beginning of this read. */
  readonly #blocks: Buffer[];
  readonly #onTheirWay = new WeakSet<Buffer>();
  #first = 0;
  #position: number;
  #isOver = false;
  #failure: CopyFailure | undefined;
  #bug: { readonly error: unknown } | undefined;
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
  trim(): void {
    // Those who might still come are waited for as long as they hold up nobody.
    const isOpen = this.#options.isOpen?.() === true && this.#blocks.length < WINDOW_BLOCKS;
    const needed = [...this.#readers].map(({ needs }) => needs);
    const until = isOpen ? 0 : Math.min(...needed, this.#front);
    while (this.#first < until) {
      const block = this.#blocks.shift();
      this.#first += 1;
      if (block !== undefined) this.#give(block);
    }
    if (this.#hasRoom()) this.#roomWanted?.();
    if (this.#readers.size === 0 && !isOpen) this.#end();
  }

  /** The block at an index once it is there. */
  async blockAt(reader: WindowReader): Promise<Buffer | undefined> {
    this.#start();
    while (reader.index >= this.#front && !this.#isOver) await reader.wait();
    // Whoever reads meets it, not the process.
    if (this.#bug !== undefined) throw this.#bug.error;
    return this.#readers.has(reader) ? this.#blocks[reader.index - this.#first] : undefined;
  }

  /** Why it ended before its end. */
  get failure(): CopyFailure | undefined {
    return this.#failure;
  }

  /** One reader less. */
  remove(reader: WindowReader): void {
    if (!this.#readers.has(reader)) return;
    this.#forget(reader);
    this.trim();
  }

  /** Bytes that are held for those who have not had them yet. */
  get heldBytes(): number {
    return this.#blocks.reduce((sum, { length }) => sum + length, 0);
  }

  get #front(): number {
    return this.#first + this.#blocks.length;
  }

  #add(): WindowReader {
    const reader = new WindowReader(this);
    this.#readers.add(reader);
    return reader;
  }

  #start(): void {
    if (this.#watch !== undefined) return;
    const { patienceMs = PATIENCE_MS } = this.#options;
    this.#watch = setInterval(() => this.#letGo(), patienceMs / PATIENCE_TICKS).unref();
    this.#pump().catch((bug: unknown) => {
      this.#bug = { error: bug };
      this.#finish();
    });
  }

  async #pump(): Promise<void> {
    let failure = this.#options.blob.size === 0 ? this.#compare() : undefined;
    while (failure === undefined && this.#isWanted()) {
      if (!this.#hasRoom()) await this.#room();
      if (this.#isWanted()) failure = await this.#readOne();
    }
    this.#failure = failure;
    this.#finish();
  }

  #isWanted(): boolean {
    return this.#position < this.#options.blob.size && !this.#abort.signal.aborted;
  }

  /** Gives one block to the readers, unless something is wrong with it. */
  async #readOne(): Promise<CopyFailure | undefined> {
    const read = await this.#source.next();
    if (!read.ok) return read.error;
    const block = read.value;
    const { digest, size } = this.#options.blob;
    const got = this.#position + (block?.length ?? 0);
    if (block === undefined || got > size) {
      const bytes = block === undefined ? got : 'more';
      return copyFailure('source', 'corrupt', `${digest}: expected ${size} bytes, got ${bytes}`);
    }
    this.#hash.update(block);
    this.#position = got;
    const wrong = got === size ? this.#compare() : undefined;
    if (wrong !== undefined) return wrong;
    this.#blocks.push(block);
    this.#wake();
    return undefined;
  }

  /** Whether it is what its digest says, now that all of it is here. */
  #compare(): CopyFailure | undefined {
    const { digest } = this.#options.blob;
    const got = this.#hash.copy().digest('hex');
    if (digest.endsWith(`:${got}`)) return undefined;
    return copyFailure('source', 'corrupt', `${digest}: expected these bytes, got ${got}`);
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
    const isShared = this.#readers.size > 1 || this.#options.isOpen?.() === true;
    return this.#blocks.length < (isShared ? WINDOW_BLOCKS : LONE_BLOCKS);
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
    for (const reader of readers) this.#count(reader, this.#isHeldUp());
    for (const reader of readers.filter(({ ticksBehind }) => ticksBehind >= PATIENCE_TICKS)) {
      this.#forget(reader);
      if (reader.isActive) reader.moveTo(this.#split(reader));
      else reader.drop();
    }
    this.trim();
  }

  /** What it was given last may still be on its way to its mirror: nobody gets that block again. */
  #forget(reader: WindowReader): void {
    this.#readers.delete(reader);
    const block = reader.holds ? this.#blocks[reader.needs - this.#first] : undefined;
    if (block !== undefined) this.#onTheirWay.add(block);
  }

  #give(block: Buffer): void {
    if (!this.#onTheirWay.has(block)) giveBlock(block);
  }

  #count(reader: WindowReader, isHeldUp: boolean): void {
    if (this.#front - reader.needs <= WINDOW_BLOCKS / 2) reader.ticksBehind = 0;
    if (isHeldUp && reader.needs === this.#first) reader.ticksBehind += 1;
  }

  #isHeldUp(): boolean {
    return !this.#hasRoom() && [...this.#readers].some(({ index }) => index >= this.#front);
  }

  /** A read of its own from where a reader is; it takes along what it was not given yet. */
  #split(reader: WindowReader): SharedBlob {
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
    for (const block of this.#blocks.splice(0)) this.#give(block);
  }
}
