import type { WrittenEntries } from '#actors/reporting/status-writers.ts';
import type { Runtime } from '#actors/runtime.ts';
import type { MirroredCopy } from './mirrored-copy.ts';

/** Where it stands that a copy is `Expired`. */
export interface ExpiredStatusesOptions {
  readonly entries: Pick<WrittenEntries, 'written'>;
  /** All copies at one place, by its `placeKey`: an image may be written in several ways. */
  readonly copiesAt: (placeKey: string) => Iterable<MirroredCopy>;
  /** Since when a resource is being deleted: all replicas know then that its copies are to go. */
  readonly deletingSinceMs: (resource: string) => number | undefined;
}

/** The statuses that have to say of a copy that it is `Expired`, before it may be deleted. */
export class ExpiredStatuses {
  readonly #runtime: Pick<Runtime, 'clock'>;
  readonly #options: ExpiredStatusesOptions;

  constructor(runtime: Pick<Runtime, 'clock'>, options: ExpiredStatusesOptions) {
    this.#runtime = runtime;
    this.#options = options;
  }

  /** Whether all that is offered as the same image of its registry has expired. */
  readonly areAllExpired = (copy: MirroredCopy): boolean =>
    this.#othersOf(copy).every(({ state }) => state === 'Expired' || state === 'Deleting');

  /** When all statuses say it, by the clock of the process. */
  readonly write = async (copy: MirroredCopy, signal: AbortSignal): Promise<number | undefined> => {
    const { entries, deletingSinceMs } = this.#options;
    const demands = [copy, ...this.#othersOf(copy)].flatMap((one) =>
      [...one.demands.keys()].map((resource) => ({ resource, image: one.image })),
    );
    const times = await Promise.all(
      demands.map(async ({ resource, image }) => {
        const sinceMs = deletingSinceMs(resource);
        if (sinceMs !== undefined) return sinceMs;
        const place = await entries.written(resource, image, signal).catch(() => 'none');
        // What stands beside a status no other replica is sure to know.
        return place === 'status' ? this.#runtime.clock.now() : undefined;
      }),
    );
    // One that is restored is `Expired` before a resource has said that it wants it: nobody says it.
    return times.length === 0 || times.some((time) => time === undefined)
      ? undefined
      : Math.max(...times.flatMap((time) => time ?? []));
  };

  /** What else is the same image in its registry, and may be offered until it is `Expired`, too. */
  #othersOf(copy: MirroredCopy): readonly MirroredCopy[] {
    const all = [...this.#options.copiesAt(copy.place.key)];
    return all.filter((one) => one !== copy && one.state !== 'Collision');
  }
}
