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
  readonly #coming = new Set<BodyShare>();
  #bytes = 0;

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax;
  }

  /** What is taken now. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Another piece of so many bytes came; closes whom it takes to have room for it, which may be this one. */
  received(share: BodyShare, length: number): void {
    const bytes = length + pieceBytes;
    share.bytes += bytes;
    this.#bytes += bytes;
    // What is set anew goes to the end of the order.
    this.#coming.delete(share);
    this.#coming.add(share);
    if (this.#bytes > this.#bytesMax) this.#makeRoom();
  }

  /** The body is here, and waits for nothing any more; it counts until its request is answered. */
  complete(share: BodyShare): void {
    this.#coming.delete(share);
  }

  /** Its request is answered; nobody may be there any more to read that. */
  release(share: BodyShare): void {
    this.#coming.delete(share);
    this.#bytes -= share.bytes;
    share.bytes = 0;
  }

  #makeRoom(): void {
    for (const share of this.#coming) {
      if (this.#bytes <= this.#bytesMax) return;
      this.release(share);
      share.request.destroy(new Error('expected the rest of a body in time, others came first'));
    }
  }
}

/** What one body takes of the budget; at first nothing. */
export interface BodyShare {
  readonly request: Pick<IncomingMessage, 'destroy'>;
  bytes: number;
}
