/** What was started so far, in order, with how each part is ended. */
export class Curtain {
  readonly #endings: { readonly orderly: Ending; readonly atOnce: Ending }[] = [];

  add(orderly: Ending, atOnce: Ending): void {
    this.#endings.push({ orderly, atOnce });
  }

  /** Ends all in reverse order; `atOnce` for Ctrl-C. Throws the first failure, after the rest. */
  async fall(how: 'orderly' | 'atOnce'): Promise<void> {
    const failures: unknown[] = [];
    for (let part = this.#endings.pop(); part !== undefined; part = this.#endings.pop()) {
      await part[how]().catch((error: unknown) => failures.push(error));
    }
    if (failures.length > 0) throw failures[0];
  }
}

type Ending = () => Promise<void>;
