/** The first of each image, and no more of others than are considered. */
export class FirstOfEach<C extends NamedCandidate> {
  readonly #byImage = new Map<string, C>();
  readonly #original: C;
  readonly #options: FirstOfEachOptions;
  #others = 0;
  isCut = false;

  constructor(original: C, options: FirstOfEachOptions) {
    this.#original = original;
    this.#options = options;
  }

  get candidates(): readonly C[] {
    // However many come before it, the original is among them.
    if (this.isCut) this.#takeOriginal(this.#original);
    return [...this.#byImage.values()];
  }

  /** From one proposer, until there are enough. */
  take(proposed: Iterable<C>): void {
    for (const candidate of proposed) {
      if (candidate.image === this.#original.image) this.#takeOriginal(candidate);
      else if (!this.#byImage.has(candidate.image)) this.#takeOther(candidate);
      if (this.isCut) return;
    }
  }

  /** Proposed in another's name, it is still the original; discarded, nobody proposes it. */
  #takeOriginal(candidate: C): void {
    const { image, lent } = this.#original;
    if (this.#options.discarded || this.#byImage.has(image)) return;
    this.#byImage.set(image, { ...candidate, original: true, lent });
  }

  #takeOther(candidate: C): void {
    this.isCut = this.#others === this.#options.othersMax;
    if (this.isCut) return;
    this.#others += 1;
    this.#byImage.set(candidate.image, candidate);
  }
}

/** As much of a candidate as it takes to tell which are the same. */
interface NamedCandidate {
  readonly image: string;
  readonly original: boolean;
  readonly lent: unknown;
}

interface FirstOfEachOptions {
  /** Whether the original is proposed by nobody. */
  readonly discarded: boolean;
  /** Taken beside the original. */
  readonly othersMax: number;
}
