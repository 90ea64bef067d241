import { type AnyActorLogic, fromCallback } from 'xstate';
import { pause } from '#actors/deadline.ts';
import type { TimerHeap } from '#actors/timer-heap.ts';
import type { TrackedImages } from '#core/monitoring/tracked-image.ts';
import type { KubeClient } from '#kube/client.ts';
import type { Log } from '#telemetry/log.ts';
import { AvailabilityStatus } from './availability-status.ts';
import type { OverflowShards } from './overflow-shards.ts';

/** What statuses are written from and with. */
export interface WriteAvailabilityOptions {
  readonly client: Pick<KubeClient, 'call'>;
  /** Names a resource only once all that was tracked before is there again. */
  readonly tracked: TrackedImages;
  readonly overflow: OverflowShards;
  readonly clock: TimerHeap;
  /** From 0 to 1. */
  readonly random: () => number;
  readonly log: Log;
}

/** Writes the status of every ClusterImageSetAvailability while this process leads. */
export interface AvailabilityWriter {
  /** The service for the root to run while this process leads. */
  readonly logic: AnyActorLogic;
  /** At the end of a leader: what is still to be written goes out whatever the pace, within 5 s. */
  readonly flush: () => Promise<void>;
}

/** Behaviour §8: what a leader still has in flight at its end has so long. */
const flushWithinMs = 5_000;

/**
 * Makes the writer. Only a change of tracked images plans a write, never one of a resource: its own
 * writes come back as such.
 */
export function availabilityWriter(options: WriteAvailabilityOptions): AvailabilityWriter {
  let running: StatusWriters | undefined;
  return {
    logic: fromCallback(() => {
      const writers = new StatusWriters(options);
      running = writers;
      return () => {
        writers.stop();
        if (running === writers) running = undefined;
      };
    }),
    flush: async () => await running?.flush(),
  };
}

class StatusWriters {
  readonly #options: WriteAvailabilityOptions;
  readonly #statuses = new Map<string, AvailabilityStatus>();
  readonly #unsubscribe: () => void;

  constructor(options: WriteAvailabilityOptions) {
    this.#options = options;
    this.#unsubscribe = options.tracked.subscribe((resource) => this.#of(resource).plan());
    for (const resource of options.tracked.resources()) this.#of(resource).plan();
  }

  readonly flush = async (): Promise<void> => {
    const { clock } = this.#options;
    const late = new AbortController();
    const flushed = Promise.all(
      [...this.#statuses.values()].map((status) => status.flush(late.signal)),
    );
    const done = new AbortController();
    await Promise.race([flushed, pause(clock, flushWithinMs, done.signal)]);
    done.abort();
    late.abort();
  };

  readonly stop = (): void => {
    this.#unsubscribe();
    for (const status of this.#statuses.values()) status.stop();
    this.#statuses.clear();
  };

  #of(resource: string): AvailabilityStatus {
    const known = this.#statuses.get(resource);
    if (known !== undefined) return known;
    const { tracked } = this.#options;
    const status = new AvailabilityStatus({
      ...this.#options,
      resource,
      imagesOf: (name) => {
        // Not restored yet, or torn down: to write that there is nothing would forget everything.
        const isTracked = tracked.resources().includes(name);
        return isTracked ? tracked.imagesOf(name) : undefined;
      },
      onGone: (name) => this.#statuses.delete(name),
    });
    this.#statuses.set(resource, status);
    return status;
  }
}
