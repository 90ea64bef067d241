/** How long somebody waits for an answer. */
export interface Patience {
  /**
   * Aborts when nobody waits any more. Made when it is first asked for: most answers are there at
   * once, and a signal with its listeners costs more than they do.
   */
  readonly signal: AbortSignal;
  /** Whether nobody waits any more. */
  readonly isOver: boolean;
}

/** One for all: an error of its own for each would cost a tenth of a review. */
const nobodyWaits = new Error('nobody waits for this answer any more');

/** The patience of somebody who can lose it. */
export class EndingPatience implements Patience {
  #controller: AbortController | undefined;
  #isOver = false;

  get isOver(): boolean {
    return this.#isOver;
  }

  get signal(): AbortSignal {
    if (this.#controller === undefined) {
      this.#controller = new AbortController();
      if (this.#isOver) this.#controller.abort(nobodyWaits);
    }
    return this.#controller.signal;
  }

  /** Nobody waits any more; a second time changes nothing. */
  end(): void {
    this.#isOver = true;
    this.#controller?.abort(nobodyWaits);
  }
}

/** Waits as long as a signal says. */
export function patienceOf(signal: AbortSignal): Patience {
  return {
    signal,
    get isOver() {
      return signal.aborted;
    },
  };
}
