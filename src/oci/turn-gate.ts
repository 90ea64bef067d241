/**
 * Lets so many through in one turn of the event loop, the others in the next ones, first come, first
 * served: 200 handshakes begun in one turn hold up whatever else is asked of the process for 100 ms.
 */
export class TurnGate {
  readonly #perTurn: number;
  readonly #waiting: (() => void)[] = [];
  #passed = 0;
  #isScheduled = false;

  constructor(perTurn: number) {
    this.#perTurn = perTurn;
  }

  /** Undefined where there is nothing to wait for. */
  readonly pass = (): Promise<void> | undefined => {
    this.#schedule();
    if (this.#passed >= this.#perTurn) {
      return new Promise((resolve) => void this.#waiting.push(resolve));
    }
    this.#passed += 1;
    return undefined;
  };

  #schedule(): void {
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    setImmediate(this.#turn);
  }

  readonly #turn = (): void => {
    this.#isScheduled = false;
    const next = this.#waiting.splice(0, this.#perTurn);
    this.#passed = next.length;
    for (const resolve of next) resolve();
    if (next.length > 0) this.#schedule();
  };
}
