import type { DelayClock } from '#actors/deadline.ts';

/** DELETEs that are on their way to one place. */
interface Place {
  count: number;
  readonly ended: PromiseWithResolvers<void>;
}

/**
 * The places (`placeKey`) from which a copy is being deleted at this moment: what stands there may be
 * gone by the time that anybody pulls it. It outlives terms, as what was sent does.
 */
export class DeletesInFlight {
  readonly #places = new Map<string, Place>();

  readonly has = (key: string): boolean => this.#places.has(key);

  /** One is about to be sent; returns how to say that it can do no harm any more. */
  readonly begin = (key: string): (() => void) => {
    const place = this.#places.get(key) ?? { count: 0, ended: Promise.withResolvers<void>() };
    place.count += 1;
    this.#places.set(key, place);
    return () => {
      place.count -= 1;
      if (place.count > 0) return;
      this.#places.delete(key);
      place.ended.resolve();
    };
  };

  /** Resolves when none is on its way to that place. */
  readonly ended = async (key: string): Promise<void> => await this.#places.get(key)?.ended.promise;

  /** Resolves when none is on its way anywhere, or once that is late. */
  readonly allEnded = async (clock: DelayClock, withinMs: number): Promise<void> => {
    const late = Promise.withResolvers<void>();
    const cancel = clock.after(withinMs, late.resolve);
    const all = [...this.#places.values()].map(({ ended }) => ended.promise);
    await Promise.race([Promise.all(all), late.promise]);
    cancel();
  };
}
