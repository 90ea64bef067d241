import type { ServerResponse } from 'node:http';

/**
 * Bodies that are being sent, each to many at once. Who reads slowly keeps a body in memory, so where
 * all of them together are too much, those who still read the oldest are cut off.
 */
export class SharedBodies {
  readonly #bytesMax: number;
  /** The oldest first, with those who read it. */
  readonly #sent = new Map<Buffer, Set<ServerResponse>>();
  #bytes = 0;

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax;
  }

  /** To be called before a body is sent. */
  readonly sending = (body: Buffer, response: ServerResponse): void => {
    const readers = this.#sent.get(body) ?? new Set();
    if (readers.size === 0) {
      this.#sent.set(body, readers);
      this.#bytes += body.length;
    }
    readers.add(response);
    response.once('close', () => {
      readers.delete(response);
      if (readers.size === 0) this.#forget(body);
    });
    this.#makeRoom(body);
  };

  #makeRoom(newest: Buffer): void {
    for (const [oldest, readers] of this.#sent) {
      if (this.#bytes <= this.#bytesMax || oldest === newest) return;
      this.#forget(oldest);
      for (const reader of readers) reader.destroy();
    }
  }

  #forget(body: Buffer): void {
    if (this.#sent.delete(body)) this.#bytes -= body.length;
  }
}
