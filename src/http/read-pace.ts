import type { Readable } from 'node:stream';

/** Read of large bodies in one turn of the event loop: with TLS some 2 ms. */
const turnBytesMax = 1024 * 1024;
/** A usual review comes in one or two pieces, and is never made to wait. */
const smallBytesMax = 65_536;
/** Bodies that go on in one turn, each for a piece or more. */
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
    setImmediate(this.#turn);
  }

  readonly #turn = (): void => {
    this.#isScheduled = false;
    this.#turnBytes = 0;
    for (const body of this.#paused.splice(0, resumedMax)) body.resume();
    if (this.#paused.length > 0) this.#schedule();
  };
}
