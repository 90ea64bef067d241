/** One call for all who ask the same meanwhile; it ends when none of them waits any more. */
export class JointCalls<T> {
  readonly #calls = new Map<string, Call<T>>();

  /** Joins the call of that key, or makes it. Rejects with the signal's reason when aborted. */
  async run(
    key: string,
    start: (signal: AbortSignal) => Promise<T>,
    signal: AbortSignal,
  ): Promise<T> {
    signal.throwIfAborted();
    const call = this.#calls.get(key) ?? this.#begin(key, start);
    const aborted = Promise.withResolvers<never>();
    const abort = (): void => aborted.reject(signal.reason);
    signal.addEventListener('abort', abort, { once: true });
    call.waiting += 1;
    try {
      return await Promise.race([call.result, aborted.promise]);
    } finally {
      signal.removeEventListener('abort', abort);
      call.waiting -= 1;
      if (call.waiting === 0) this.#end(key, call);
    }
  }

  #begin(key: string, start: (signal: AbortSignal) => Promise<T>): Call<T> {
    const controller = new AbortController();
    const call: Call<T> = { controller, waiting: 0, result: start(controller.signal) };
    // Whoever still waits sees it; the others have gone.
    call.result.catch(() => undefined);
    this.#calls.set(key, call);
    return call;
  }

  #end(key: string, call: Call<T>): void {
    if (this.#calls.get(key) === call) this.#calls.delete(key);
    call.controller.abort(new Error('nobody waits for this any more'));
  }
}

interface Call<T> {
  readonly controller: AbortController;
  readonly result: Promise<T>;
  waiting: number;
}
