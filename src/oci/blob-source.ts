import { setTimeout as delay } from 'node:timers/promises';
import type { CopyFailure } from '#core/mirroring/copy-outcome.ts';
import { fail, type Result, succeed } from '#core/result.ts';
import type { BlockStream } from './block-stream.ts';
import { copyFailure, failureOf, failureOfAnswer } from './copy-failures.ts';
import { translateError } from './errors.ts';
import type { TransportAnswer } from './exchange.ts';
import type { Descriptor } from './image-manifest.ts';
import type { RemoteRepository, RepositoryAnswer } from './remote-repository.ts';
import { afterAnswer } from './transport.ts';

/** One blob of a source. */
export interface BlobSourceOptions {
  readonly repository: RemoteRepository;
  readonly blob: Descriptor;
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

/** The bytes of one blob in blocks; where the source breaks off it is resumed (rule 9). */
export class BlobSource {
  readonly #options: BlobSourceOptions;
  readonly #signal: AbortSignal;
  #position: number;
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
    while (true) {
      if (this.#blocks === undefined) {
        const opened = await this.#open();
        if (!opened.ok) return opened;
        this.#blocks = opened.value;
      }
      const read = await this.#read(this.#blocks);
      if (!read.ok) {
        const broken = await this.#afterBreak(read.error);
        if (broken !== undefined) return fail(broken);
        continue;
      }
      const block = this.#withoutSkipped(read.value);
      if (block !== undefined || read.value === undefined) return succeed(block);
    }
  }

  /** Nobody reads on; at its end a body leaves its connection in use. */
  close(): void {
    if (this.#position >= this.#options.blob.size) this.#blocks?.cancel();
    else this.#blocks?.abort();
    this.#blocks = undefined;
  }

  async #open(): Promise<Result<BlockStream, CopyFailure>> {
    const { repository } = this.#options;
    const sent = await this.#ask(this.#position);
    if (!sent.ok) {
      // A registry that went away in the middle of a blob may be back in a moment.
      const broken = this.#position > 0 ? await this.#afterBreak(sent.error) : sent.error;
      return broken === undefined ? await this.#open() : fail(broken);
    }
    const answer = sent.value;
    const isRefused = this.#position > 0 && (answer.status === 416 || answer.status === 400);
    if (isRefused) {
      const whole = await this.#ask(0);
      return whole.ok ? this.#begin(whole.value, 0) : whole;
    }
    if (this.#position > 0 && answer.status >= 500) {
      const broken = await this.#afterBreak(this.#failure(answer));
      return broken === undefined ? await this.#open() : fail(broken);
    }
    const begin = answer.status === 206 ? startOf(answer) : 0;
    if (begin === undefined || (begin !== 0 && begin !== this.#position)) {
      answer.blocks?.abort();
      const message = `${repository.name}: expected the range that was asked for, got another`;
      return fail(copyFailure('source', 'corrupt', message));
    }
    return this.#begin(answer, begin);
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
      return fail(copyFailure('source', 'unreachable', message));
    }
    return succeed(blocks);
  }

  async #read(blocks: BlockStream): Promise<Result<Buffer | undefined, CopyFailure>> {
    const { repository } = this.#options;
    try {
      const block = await blocks.next();
      if (block !== undefined || this.#position >= this.#options.blob.size) return succeed(block);
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

  #withoutSkipped(block: Buffer | undefined): Buffer | undefined {
    if (block === undefined) return undefined;
    const skipped = Math.min(this.#toSkip, block.length);
    this.#toSkip -= skipped;
    if (skipped === block.length) return undefined;
    const rest = skipped === 0 ? block : block.subarray(skipped);
    this.#position += rest.length;
    return rest;
  }

  /** Whether it is given up, and why; else the source is asked again from where it broke off. */
  async #afterBreak(failure: CopyFailure): Promise<CopyFailure | undefined> {
    this.#blocks = undefined;
    if (this.#signal.aborted || failure.reason !== 'unreachable') return failure;
    const progress = this.#position - this.#breakAt;
    this.#breaks = progress >= PROGRESS_BYTES_MIN ? 1 : this.#breaks + 1;
    this.#breakAt = this.#position;
    if (this.#breaks > BREAKS_MAX) return failure;
    await delay(PAUSE_MS * (this.#breaks - 1), undefined, { signal: this.#signal }).catch(() => {
      // An abort is seen by whoever asks next.
    });
    return undefined;
  }

  #failure(answer: TransportAnswer): CopyFailure {
    const { repository, blob } = this.#options;
    const text = `GET ${repository.name}@${blob.digest}`;
    const { nowMs } = repository;
    return failureOfAnswer(answer, { side: 'source', text, what: 'read', expected: '200', nowMs });
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
