/** Lets one request find out what the others need to know. */
export interface FirstContact {
  /**
   * Resolves at once where `isKnown`, or for the first that asks; for the others when that one is
   * done. Whoever gets a function has to call it when it is done, whatever came of it.
   */
  readonly enter: (
    key: string,
    isKnown: () => boolean,
    signal: AbortSignal,
  ) => Promise<(() => void) | undefined>;
}

/**
 * How long a request waits for another one: a registry that does not answer the first must not use
 * up the deadlines of the rest (a review has 1 s).
 */
const WAIT_MS_MAX = 300;

/**
 * Makes the gate. Without it a burst of first requests to one registry would be refused one by one
 * and sent again with what the first refusal already said.
 */
export function createFirstContact(): FirstContact {
  const contacts = new Map<string, Promise<void>>();
  const begin = (key: string): (() => void) => {
    const { promise, resolve } = Promise.withResolvers<void>();
    contacts.set(key, promise);
    return () => {
      contacts.delete(key);
      resolve();
    };
  };
  return {
    enter: async (key, isKnown, signal) => {
      if (isKnown()) return undefined;
      if (!contacts.has(key)) return begin(key);
      const waiting = AbortSignal.any([signal, AbortSignal.timeout(WAIT_MS_MAX)]);
      const { promise: over, resolve: stop } = Promise.withResolvers<void>();
      waiting.addEventListener('abort', () => stop(), { once: true });
      while (!waiting.aborted && !isKnown()) {
        const other = contacts.get(key);
        if (other === undefined) return begin(key);
        await Promise.race([other, over]);
      }
      return undefined;
    },
  };
}
