/** Who wants to hear of something; all are told at once, in the order in which they came. */
export class Listeners<News extends readonly unknown[] = []> {
  readonly #all = new Set<(...news: News) => void>();

  /** Returns how to stop hearing of it. */
  readonly subscribe = (listener: (...news: News) => void): (() => void) => {
    this.#all.add(listener);
    return () => this.#all.delete(listener);
  };

  readonly tell = (...news: News): void => {
    for (const listener of this.#all) listener(...news);
  };
}
