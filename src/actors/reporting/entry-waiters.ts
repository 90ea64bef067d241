import type { EntryPlace } from './written-status.ts';

/** Who waits until the entry of an image stands in a status or its ConfigMaps, by resource. */
export class EntryWaiters {
  readonly #waiting = new Map<string, Set<EntryWaiter>>();
  /** By resource, where entries stand by its last write. */
  readonly #places = new Map<string, PlaceOf>();

  /** Where an entry stands by the last write of this term, whatever it says. */
  placeOf(resource: string, image: string): EntryPlace {
    return this.#places.get(resource)?.(image) ?? 'none';
  }

  /** Rejects with the reason of the signal once that aborts. */
  wait(resource: string, awaited: AwaitedEntry): Promise<EntryPlace> {
    const { signal } = awaited;
    signal.throwIfAborted();
    const { promise, resolve, reject } = Promise.withResolvers<EntryPlace>();
    const waiting = this.#waiting.get(resource) ?? new Set();
    this.#waiting.set(resource, waiting);
    const leave = () => {
      signal.removeEventListener('abort', onAbort);
      waiting.delete(waiter);
      if (waiting.size === 0 && this.#waiting.get(resource) === waiting)
        this.#waiting.delete(resource);
    };
    const onAbort = () => {
      leave();
      reject(signal.reason);
    };
    const settle = (place: EntryPlace) => {
      leave();
      resolve(place);
    };
    const waiter = { ...awaited, settle };
    waiting.add(waiter);
    signal.addEventListener('abort', onAbort, { once: true });
    return promise;
  }

  /** Those that wait now: a write that begins after this tells them. */
  of(resource: string): readonly EntryWaiter[] {
    return [...(this.#waiting.get(resource) ?? [])];
  }

  /** A write came to its end. */
  settle(resource: string, waiters: readonly EntryWaiter[], placeOf: PlaceOf): void {
    this.#places.set(resource, placeOf);
    for (const { image, settle } of waiters) settle(placeOf(image));
  }

  /** What was written of a resource is known no more. */
  forget(resource: string): void {
    this.#places.delete(resource);
  }

  /** Nothing of a resource will be written. */
  giveUp(resource: string): void {
    this.forget(resource);
    for (const { settle } of this.of(resource)) settle('none');
  }

  /** Nothing will be written by this process. */
  giveUpAll(): void {
    for (const resource of new Set([...this.#places.keys(), ...this.#waiting.keys()]))
      this.giveUp(resource);
  }
}

/** What somebody waits for. */
export interface AwaitedEntry {
  readonly image: string;
  /** Whether a word of this image alone is enough, beside all the rest. */
  readonly aside: boolean;
  readonly signal: AbortSignal;
}

/** One who waits. */
export interface EntryWaiter extends AwaitedEntry {
  readonly settle: (place: EntryPlace) => void;
}

type PlaceOf = (image: string) => EntryPlace;
