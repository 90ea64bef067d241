import { setTimeout as delay } from 'node:timers/promises';
import type { CopyFailure } from '#core/mirroring/copy-outcome.ts';
import { fail, type Result, succeed } from '#core/result.ts';
import type { BlockStream } from './block-stream.ts';
import { copyFailure, failureOf, failureOfAnswer } from './copy-failures.ts';
import { translateError } from './errors.ts';
import type { TransportAnswer } from './exchange.ts';
import type { Descriptor } from './image-manifest.ts';
import type { RemoteRepository, RepositoryAnswer } from './remote-repository.ts';
import type { Slots } from './slots.ts';
import { afterAnswer } from './transport.ts';

/** One blob of a source. */
export interface BlobSourceOptions {
  readonly repository: RemoteRepository;
  readonly blob: Descriptor;
  /** Blobs that are read from a registry at once. */
  readonly reads: Slots;
  /** Bytes that were had before. */
  readonly position?: number;
  /** Rule 19 of copying: a body without progress for so long is dead. */
  readonly idleMs: number;
}

/** Breaks in a row with less than this between them are no progress. */
const PROGRESS_BYTES_MIN = 64 * 1024;
/** Breaks in a row without progress: then the whole copy backs off. */
const BREAKS_MAX = 3;
/** Before the source is asked again, by the number of breaks. */
const PAUSE_MS = 200;
/** Rule 9 of copying: a source without Range is read over at most twice a blob. */
const SKIPS_MAX = 2;
/** What registries say to a range that they do not give. */
const RANGE_REFUSED: ReadonlySet<number> = new Set([400, 416]);

/** The bytes of one blob in blocks; where the source breaks off it is resumed (rule 9). */
export class BlobSource {
  readonly #options: BlobSourceOptions;
  readonly #signal: AbortSignal;
  #position: number;
  #giveBack: (() => void) | undefined;
  #isClosed = false;
  #blocks: BlockStream | undefined;
  /** Bytes of a body from its beginning that were had before. */
  #toSkip = 0;
  #skips = 0;
  #breaks = 0;
  #breakAt = 0;

  /** Asks for nothing before the first block is wanted. */
  constructor(options: BlobSourceOptions, signal: AbortSignal) {
    this.#options = options;
    this.#signal = signal;
    this.#position = options.position ?? 0;
  }

  /** The next bytes; `undefined` where the source has no more. */
  async next(): Promise<Result<Buffer | undefined, CopyFailure>> {
    if (this.#giveBack === undefined) await this.#takeSlot();
    while (true) {
      const read = await this.#step();
      if (read.ok) return read;
      // What fails before the first byte is whoever's who asked for it.
      const isBreak = this.#position > 0 || this.#blocks !== undefined;
      this.#blocks = undefined;
      if (!isBreak || !(await this.#mayGoOn(read.error))) return read;
    }
  }

  /** Nobody reads on; at its end a body leaves its connection in use. */
  close(): void {
    if (this.#position >= this.#options.blob.size) this.#blocks?.cancel();
    else this.#blocks?.abort();
    this.#blocks = undefined;
    this.#giveBack?.();
    this.#isClosed = true;
  }

  async #takeSlot(): Promise<void> {
    const { reads, repository } = this.#options;
    const giveBack = await reads.take(repository.registry, this.#signal);
    this.#giveBack = giveBack;
    // It may have been closed meanwhile.
    if (this.#isClosed) giveBack();
  }

  async #step(): Promise<Result<Buffer | undefined, CopyFailure>> {
    if (this.#blocks !== undefined) return await this.#read(this.#blocks);
    const opened = await this.#open();
    if (!opened.ok) return opened;
    this.#blocks = opened.value;
    return await this.#read(opened.value);
  }

  async #open(): Promise<Result<BlockStream, CopyFailure>> {
    const sent = await this.#ask(this.#position);
    if (!sent.ok) return sent;
    const answer = sent.value;
    if (this.#position > 0 && RANGE_REFUSED.has(answer.status)) {
      const whole = await this.#ask(0);
      return whole.ok ? this.#begin(whole.value, 0) : whole;
    }
    const begin = answer.status === 206 ? startOf(answer) : 0;
    if (begin === 0 || begin === this.#position) return this.#begin(answer, begin);
    answer.blocks?.abort();
    const { name } = this.#options.repository;
    const message = `${name}: expected the range that was asked for, got another`;
    return fail(copyFailure('source', 'corrupt', message));
  }

  async #ask(position: number): Promise<RepositoryAnswer> {
    const { repository, blob, idleMs } = this.#options;
    return await repository.send(
      {
        method: 'GET',
        target: `blobs/${blob.digest}`,
        // Never to a URL that an answer named before: it may be one that has run out.
        ...(position > 0 && { headers: { range: `bytes=${position}-` } }),
        blocksWithinMs: idleMs,
      },
      this.#signal,
    );
  }

  #begin(answer: TransportAnswer, begin: number): Result<BlockStream, CopyFailure> {
    const { blocks } = answer;
    if (blocks === undefined) return fail(this.#failure(answer));
    const { blob } = this.#options;
    const length = answer.headers['content-length'];
    if (length !== undefined && Number(length) !== blob.size - begin) {
      blocks.abort();
      return fail(this.#corrupt(`${blob.size - begin} bytes`, length));
    }
    this.#toSkip = this.#position - begin;
    if (this.#toSkip > 0) this.#skips += 1;
    if (this.#skips > SKIPS_MAX) {
      blocks.abort();
      const { name } = this.#options.repository;
      const message = `${name}: ${blob.digest} broke off too often, and its source knows no ranges`;
      this.#breaks = BREAKS_MAX;
      return fail(copyFailure('source', 'unreachable', message));
    }
    return succeed(blocks);
  }

  async #read(blocks: BlockStream): Promise<Result<Buffer | undefined, CopyFailure>> {
    const { repository } = this.#options;
    try {
      for (let block = await blocks.next(); block !== undefined; block = await blocks.next()) {
        const rest = this.#withoutSkipped(block);
        if (rest.length > 0) return succeed(rest);
      }
      if (this.#position >= this.#options.blob.size) return succeed(undefined);
      // Without a length, an early end looks like the end.
      const missing = this.#options.blob.size - this.#position;
      const message = `${repository.name}: ${this.#options.blob.digest} ended ${missing} bytes early`;
      return fail(copyFailure('source', 'unreachable', message));
    } catch (error) {
      if (this.#signal.aborted) return fail(copyFailure('source', 'unreachable', 'called off'));
      const failure = translateError(error, repository.registry);
      return fail(failureOf('source', afterAnswer(failure)));
    }
  }

  #withoutSkipped(block: Buffer): Buffer {
    const skipped = Math.min(this.#toSkip, block.length);
    this.#toSkip -= skipped;
    this.#position += block.length - skipped;
    return skipped === 0 ? block : block.subarray(skipped);
  }

  /** Whether the source is asked again, from where it broke off. */
  async #mayGoOn(failure: CopyFailure): Promise<boolean> {
    if (this.#signal.aborted || failure.reason !== 'unreachable') return false;
    const progress = this.#position - this.#breakAt;
    this.#breaks = progress >= PROGRESS_BYTES_MIN ? 1 : this.#breaks + 1;
    this.#breakAt = this.#position;
    if (this.#breaks > BREAKS_MAX) return false;
    await delay(PAUSE_MS * (this.#breaks - 1), undefined, { signal: this.#signal }).catch(() => {
      // An abort is seen by whoever asks next.
    });
    return true;
  }

  #failure(answer: TransportAnswer): CopyFailure {
    const { repository, blob } = this.#options;
    return failureOfAnswer(answer, repository.asked('GET', blob.digest));
  }

  #corrupt(expected: string, got: string): CopyFailure {
    const { repository, blob } = this.#options;
    const message = `${repository.name}: ${blob.digest}: expected ${expected}, got ${got}`;
    return copyFailure('source', 'corrupt', message);
  }
}

/** `Content-Range: bytes 100-199/200`. */
function startOf({ headers }: TransportAnswer): number | undefined {
  const range = [headers['content-range'] ?? []].flat()[0] ?? '';
  const [, start] = /^bytes (\d+)-/.exec(range) ?? [];
  return start === undefined ? undefined : Number(start);
}
