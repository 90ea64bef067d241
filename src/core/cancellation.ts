/** How long somebody waits for an answer. */
export interface Cancellation {
  /**
   * Aborts when nobody waits any more. Made when it is first asked for: most answers are there at
   * once, and a signal with its listeners costs more than they do.
   */
  readonly signal: AbortSignal;
  /** Whether nobody waits any more. */
  readonly isCancelled: boolean;
}

/** One error for all: to make one for each would cost a tenth of a review. */
const nobodyWaits = new Error('nobody waits for this answer any more');

/** The cancellation of somebody who can lose it. */
export class CancellationSource implements Cancellation {
  #controller: AbortController | undefined;
  #isCancelled = false;

  get isCancelled(): boolean {
    return this.#isCancelled;
  }

  get signal(): AbortSignal {
    if (this.#controller === undefined) {
      this.#controller = new AbortController();
      if (this.#isCancelled) this.#controller.abort(nobodyWaits);
    }
    return this.#controller.signal;
  }

  /** Nobody waits any more; a second time changes nothing. */
  cancel(): void {
    this.#isCancelled = true;
    this.#controller?.abort(nobodyWaits);
  }
}

/** Waits as long as a signal says. */
export function cancellationOf(signal: AbortSignal): Cancellation {
  return {
    signal,
    get isCancelled() {
      return signal.aborted;
    },
  };
}
