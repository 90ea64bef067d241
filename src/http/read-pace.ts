import type { Readable } from 'node:stream';

/** Read of large bodies at a time: with TLS some 3 ms. */
const turnBytesMax = 512 * 1024;
/** And then others have so long, ms: the largest review there is takes a fifth of a second more. */
const restMs = 4;
/** A usual review comes in one or two pieces, and is never made to wait. */
const smallBytesMax = 65_536;
/** Bodies that go on at a time, each for a piece or more. */
const resumedMax = 8;

/**
 * Has large bodies come in slowly enough that others are read, and answered, in between: the kernel
 * keeps megabytes for each connection, and Node reads all of them in one turn of the event loop.
 */
export class ReadPace {
  /** First come, first served. */
  readonly #paused: Readable[] = [];
  #turnBytes = 0;
  #isScheduled = false;

  /** A piece of a body came, which has so many bytes by now; it may have to pause. */
  received(
    body: Readable,
    size: { readonly pieceBytes: number; readonly bodyBytes: number },
  ): void {
    if (size.bodyBytes <= smallBytesMax) return;
    this.#turnBytes += size.pieceBytes;
    if (this.#turnBytes > turnBytesMax) {
      body.pause();
      this.#paused.push(body);
    }
    this.#schedule();
  }

  #schedule(): void {
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    setTimeout(this.#turn, restMs);
  }

  readonly #turn = (): void => {
    this.#isScheduled = false;
    this.#turnBytes = 0;
    for (const body of this.#paused.splice(0, resumedMax)) body.resume();
    if (this.#paused.length > 0) this.#schedule();
  };
}
