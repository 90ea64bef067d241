import type { Runtime } from '#actors/runtime.ts';
import { registryHost } from '#core/image/registry-host.ts';
import type { MirroredCopy } from './mirrored-copy.ts';

/** So long a copy keeps its place at its mirror while its source has not said what to copy. */
const patienceMs = 100;
/** Copies without a place, of however many sources: beyond that each keeps its own. */
const allMax = 32;
/** Whether a source is still slow is asked again after this. */
const againMs = 100;

/**
 * Sources that take their time, or never answer: a copy that waits for one gives its place at the
 * mirror to the next after a moment, so that no image of another source waits with it (behaviour §5).
 */
export class SlowSources {
  readonly #runtime: Pick<Runtime, 'clock' | 'now'>;
  readonly #aSourceMax: number;
  /** Host → copies without a place. */
  readonly #placeless = new Map<string, Set<MirroredCopy>>();
  /** Copies that wait for their source: what gives up their place, and what takes that back. */
  readonly #patience = new Map<MirroredCopy, () => void>();

  /** So many copies of one source go on without a place; the others wait until one has ended. */
  constructor(runtime: Pick<Runtime, 'clock' | 'now'>, aSourceMax: number) {
    this.#runtime = runtime;
    this.#aSourceMax = aSourceMax;
  }

  /** Resolves when the copy, whose turn it is, needs its place no longer. */
  readonly hold = async (copy: MirroredCopy, turn: Promise<void>): Promise<void> => {
    const { promise: isGivenUp, resolve } = Promise.withResolvers<void>();
    const cancel = this.#runtime.clock.after(patienceMs, () => {
      if (this.#goOnWithout(copy)) resolve();
    });
    this.#patience.set(copy, cancel);
    const end = (): void => {
      this.answered(copy);
      this.#end(copy);
    };
    // A bug of it is told by whoever began it.
    await Promise.race([isGivenUp, turn.then(end, end)]);
  };

  /** Its source has said what to copy: from here on it is the mirror that is waited for. */
  readonly answered = (copy: MirroredCopy): void => {
    this.#patience.get(copy)?.();
    this.#patience.delete(copy);
  };

  /** Until when no further copy of this source begins, wall time in ms; undefined where it may. */
  readonly heldUntilMs = (host: string): number | undefined => {
    const { size = 0 } = this.#placeless.get(host) ?? {};
    return size >= this.#aSourceMax ? this.#runtime.now() + againMs : undefined;
  };

  #goOnWithout(copy: MirroredCopy): boolean {
    const all = [...this.#placeless.values()].reduce((sum, { size }) => sum + size, 0);
    if (all >= allMax) return false;
    const host = registryHost(copy.source.registry);
    const copies = this.#placeless.get(host) ?? new Set<MirroredCopy>();
    this.#placeless.set(host, copies.add(copy));
    return true;
  }

  #end(copy: MirroredCopy): void {
    const host = registryHost(copy.source.registry);
    const copies = this.#placeless.get(host);
    copies?.delete(copy);
    if (copies?.size === 0) this.#placeless.delete(host);
  }
}
