import type { IncomingMessage } from 'node:http';

/** Kept for each piece of a body beside its bytes: many small ones are no way around the budget. */
const pieceBytes = 512;

/**
 * What all bodies of requests in flight may take together (behaviour §10). Whoever reaches the port
 * can begin sixty reviews and send none of them to its end; so where the budget is used up, the
 * connection is closed that has waited longest for its next byte.
 */
export class BodyBudget {
  readonly #bytesMax: number;
  /** Bodies that are not here whole, in the order of their last byte, the longest ago first. */
  readonly #coming = new Map<IncomingMessage, number>();
  /** Bodies that are, until their requests are answered. */
  readonly #whole = new Map<IncomingMessage, number>();
  #bytes = 0;

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax;
  }

  /** What is taken now. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Another piece came; closes whom it takes to have room for it, which may be this one. */
  received(request: IncomingMessage, piece: Buffer): void {
    const bytes = piece.length + pieceBytes;
    const before = this.#coming.get(request) ?? 0;
    // What is set anew goes to the end of the order.
    this.#coming.delete(request);
    this.#coming.set(request, before + bytes);
    this.#bytes += bytes;
    for (const slowest of this.#coming.keys()) {
      if (this.#bytes <= this.#bytesMax) return;
      this.release(slowest);
      slowest.destroy(new Error('expected the rest of a body in time, others came first'));
    }
  }

  /** The body is here, and waits for nothing any more. */
  complete(request: IncomingMessage): void {
    const bytes = this.#coming.get(request);
    if (bytes === undefined) return;
    this.#coming.delete(request);
    this.#whole.set(request, bytes);
  }

  /** The request is answered, or its connection is gone. */
  release(request: IncomingMessage): void {
    const bytes = this.#coming.get(request) ?? this.#whole.get(request) ?? 0;
    this.#bytes -= bytes;
    this.#coming.delete(request);
    this.#whole.delete(request);
  }
}
