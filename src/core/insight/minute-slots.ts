/** A minute, ms. */
const minuteMs = 60_000;
/** So far back anybody looks: an outage, and what came before it. */
export const minutesKept = 60;

/** One value a minute for the last hour, made when something happens in that minute. */
export class MinuteSlots<T> {
  readonly #make: () => T;
  /** Minute of the epoch → value, oldest first. */
  readonly #slots = new Map<number, T>();

  constructor(make: () => T) {
    this.#make = make;
  }

  /** The value of the minute of `nowMs` (wall time); a clock that went back finds what is there. */
  readonly at = (nowMs: number): T => {
    const minute = Math.floor(nowMs / minuteMs);
    const known = this.#slots.get(minute);
    if (known !== undefined) return known;
    const made = this.#make();
    this.#slots.set(minute, made);
    for (const oldest of this.#slots.keys()) {
      if (this.#slots.size <= minutesKept) break;
      this.#slots.delete(oldest);
    }
    return made;
  };

  /** What happened in the last hour, oldest first; minutes without anything are left out. */
  readonly entries = (nowMs: number): readonly { readonly atMs: number; readonly value: T }[] => {
    const first = Math.floor(nowMs / minuteMs) - minutesKept;
    return [...this.#slots]
      .filter(([minute]) => minute > first)
      .sort(([left], [right]) => left - right)
      .map(([minute, value]) => ({ atMs: minute * minuteMs, value }));
  };
}
