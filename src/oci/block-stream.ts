import type { Dispatcher } from 'undici';
import { BLOCK_BYTES, takeBlock } from './blocks.ts';
import { ChunkMemory } from './chunk-memory.ts';
import type { SentRequest } from './connections.ts';
import type { AnswerHeaders } from './quota.ts';

/** One answer whose body is read in blocks. */
export interface BlockAnswer {
  readonly statusCode: number;
  readonly headers: AnswerHeaders;
  readonly body: BlockStream;
  readonly blocks: BlockStream;
}

/** Blocks that wait for their reader before the connection is paused. */
const READY_MAX = 2;
/** What has come of a block goes on after so long: whoever waits for it must see that it lives. */
const PARTIAL_MS = 1_000;

/**
 * The body of one answer, joined to blocks at the pace of its reader. A TLS connection gives away
 * 16 KiB at a time; each chunk through a stream of its own costs twice as much as this.
 */
export class BlockStream implements AsyncIterable<Buffer> {
  readonly #controller: Dispatcher.DispatchController;
  readonly #memory = new ChunkMemory();
  readonly #ready: Buffer[] = [];
  #block: Buffer | undefined;
  #filled = 0;
  #isOver = false;
  #isUnwanted = false;
  #error: Error | undefined;
  #wake: (() => void) | undefined;

  /** `controller` pauses and ends the connection. */
  constructor(controller: Dispatcher.DispatchController) {
    this.#controller = controller;
  }

  /** The next block, `undefined` at the end. What came before a failure comes before it is thrown. */
  async next(): Promise<Buffer | undefined> {
    while (true) {
      const block = this.#ready.shift() ?? (this.#isOver ? this.#cut() : undefined);
      if (block !== undefined) return block;
      if (this.#error !== undefined) throw this.#error;
      if (this.#isOver) return undefined;
      await this.#more();
    }
  }

  /** Nobody reads on: a body at its end leaves its connection in use, any other one ends it. */
  cancel(): void {
    this.#isUnwanted = true;
    this.#ready.length = 0;
    if (!this.#isOver) this.#controller.resume();
  }

  /** Nobody reads on, and the connection ends. */
  abort(): void {
    this.#isUnwanted = true;
    if (!this.#isOver) this.#controller.abort(unwanted);
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Buffer> {
    try {
      for (let block = await this.next(); block !== undefined; block = await this.next()) {
        yield block;
      }
    } finally {
      this.abort();
    }
  }

  /** Bytes as they came. */
  push(chunk: Buffer): void {
    if (this.#isUnwanted) {
      this.#controller.abort(unwanted);
      return;
    }
    this.#memory.next(chunk);
    let taken = 0;
    while (taken < chunk.length) {
      this.#block ??= takeBlock();
      const copied = chunk.copy(this.#block, this.#filled, taken);
      taken += copied;
      this.#filled += copied;
      if (this.#filled === BLOCK_BYTES) this.#finishBlock(this.#block);
    }
    if (this.#ready.length >= READY_MAX) this.#controller.pause();
  }

  /** There is no more; with an error, there should have been. */
  end(error?: Error): void {
    this.#isOver = true;
    this.#error ??= error;
    this.#wake?.();
  }

  #finishBlock(block: Buffer): void {
    this.#ready.push(block);
    this.#block = undefined;
    this.#filled = 0;
    this.#wake?.();
  }

  /** What there is of a block. */
  #cut(): Buffer | undefined {
    const block = this.#filled > 0 ? this.#block?.subarray(0, this.#filled) : undefined;
    if (block !== undefined) this.#block = undefined;
    this.#filled = 0;
    return block;
  }

  async #more(): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#wake = resolve;
    this.#controller.resume();
    const timer = setTimeout(() => {
      const block = this.#cut();
      if (block === undefined) return void timer.refresh();
      this.#ready.push(block);
      resolve();
    }, PARTIAL_MS);
    await promise;
    clearTimeout(timer);
    this.#wake = undefined;
  }
}

const unwanted = new Error('nobody reads on');

/** Sends one request; its answer is there with its headers. */
export function receiveBlocks(
  dispatcher: Dispatcher,
  request: SentRequest & { readonly origin: string; readonly path: string },
): Promise<BlockAnswer> {
  const { signal, headersTimeoutMs, bodyTimeoutMs, body, ...sent } = request;
  const { promise, resolve, reject } = Promise.withResolvers<BlockAnswer>();
  let controller: Dispatcher.DispatchController | undefined;
  let stream: BlockStream | undefined;
  const abort = (): void => {
    controller?.abort(signal.reason as Error);
    reject(signal.reason);
  };
  const settle = (error?: Error): void => {
    signal.removeEventListener('abort', abort);
    stream?.end(error);
    if (error !== undefined) reject(error);
  };
  signal.addEventListener('abort', abort, { once: true });
  if (signal.aborted) abort();
  dispatcher.dispatch(
    {
      ...sent,
      // Typed narrower than it is: any iterable will do.
      body: body as Buffer | string | null,
      // Without this undici ends the connection after every HEAD.
      reset: false,
      ...(headersTimeoutMs !== undefined && { headersTimeout: headersTimeoutMs }),
      ...(bodyTimeoutMs !== undefined && { bodyTimeout: bodyTimeoutMs }),
    },
    {
      onRequestStart: (given) => {
        controller = given;
        if (signal.aborted) given.abort(signal.reason as Error);
      },
      onResponseStart: (given, statusCode, headers) => {
        // RFC 9110 §15.2: what is only on its way is no answer.
        if (statusCode < 200) return;
        stream = new BlockStream(given);
        resolve({ statusCode, headers, body: stream, blocks: stream });
      },
      onResponseData: (_, chunk) => stream?.push(chunk),
      onResponseEnd: () => settle(),
      onResponseError: (_, error) => settle(error),
    },
  );
  return promise;
}
