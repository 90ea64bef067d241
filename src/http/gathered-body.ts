/** Below this a body stays in the pieces it came in, which are few. */
const wholePiecesBytesMax = 65_536;
/** Far more than a piece has, and little beside what a large body takes. */
const blockBytes = 262_144;

/**
 * The bytes of a body, as they come. A large one comes in thousands of pieces, each in memory of its
 * own, of which the collector lets tens of megabytes pile up before it looks: they are copied to
 * blocks, and each piece is given back at once.
 */
export class GatheredBody {
  readonly #buffers: Buffer[] = [];
  #block: Buffer | undefined;
  #filled = 0;
  #bytes = 0;

  /** How many came. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Another piece came; nobody else may use it any more. */
  add(piece: Buffer): void {
    this.#bytes += piece.length;
    if (this.#bytes <= wholePiecesBytesMax) this.#buffers.push(piece);
    else {
      this.#copy(piece);
      giveBack(piece);
    }
  }

  /** All of it, once it has come to its end. */
  whole(): Buffer {
    const last = this.#block?.subarray(0, this.#filled);
    const all = last === undefined ? this.#buffers : [...this.#buffers, last];
    const [first] = all;
    // Nearly every review comes in one piece: to copy it would be garbage.
    if (all.length === 1 && first !== undefined) return first;
    const whole = Buffer.concat(all, this.#bytes);
    this.release();
    return whole;
  }

  /** Gives the memory of what came back: nobody is going to read it. */
  release(): void {
    if (this.#block !== undefined) this.#buffers.push(this.#block);
    for (const buffer of this.#buffers) giveBack(buffer);
    this.#buffers.length = 0;
    this.#block = undefined;
    this.#filled = 0;
  }

  #copy(piece: Buffer): void {
    let copied = 0;
    while (copied < piece.length) {
      this.#block ??= Buffer.allocUnsafeSlow(blockBytes);
      const more = piece.copy(this.#block, this.#filled, copied);
      copied += more;
      this.#filled += more;
      if (this.#filled < blockBytes) continue;
      this.#buffers.push(this.#block);
      this.#block = undefined;
      this.#filled = 0;
    }
  }
}

/** Only where it fills its memory: somebody else may look at what else is in there. */
function giveBack({ buffer, length }: Buffer): void {
  const isWhole = length > 0 && buffer.byteLength === length;
  if (isWhole && buffer instanceof ArrayBuffer) buffer.transfer(0);
}
