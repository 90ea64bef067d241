import { pause, withDeadline } from '#actors/deadline.ts';
import type { TimerHeap } from '#actors/timer-heap.ts';
import { fullJitterMs } from '#core/backoff.ts';
import type { TrackedImage } from '#core/monitoring/tracked-image.ts';
import type { Result } from '#core/result.ts';
import { type ApiFailure, hasCode } from '#kube/failures.ts';
import type { Log } from '#telemetry/log.ts';
import {
  listImages,
  loadWritten,
  type RoundOptions,
  type RoundOutcome,
  type WrittenAvailability,
  writeRound,
} from './availability-round.ts';

/** What the status of one resource is written from and with. */
export interface AvailabilityStatusOptions extends RoundOptions {
  readonly resource: string;
  /** Undefined while nobody tracks the resource: what is written of it stays as it is. */
  readonly imagesOf: (resource: string) => Iterable<TrackedImage> | undefined;
  readonly clock: TimerHeap;
  /** From 0 to 1. */
  readonly random: () => number;
  readonly log: Log;
  /** Called once there is no such resource, so that nobody remembers it. */
  readonly onGone: (resource: string) => void;
}

/** Behaviour §6: a status is written no more often than every max(1 s, 10 ms × entries listed). */
const writeEveryMs = 1_000;
const writeEveryMsPerEntry = 10;
/** What changes together is written together: a registry that fails changes many images. */
const coalesceMs = 200;
const backoff = { baseMs: 1_000, capMs: 60_000 };
/** With 40 shards of 256 KiB and a status of a mebibyte; an API server that hangs is let go. */
const roundTimeoutMs = 60_000;
const flushRetryMs = 200;

/** Keeps the status and the overflow of one resource right: from the whole state, at its pace. */
export class AvailabilityStatus {
  readonly #options: AvailabilityStatusOptions;
  readonly #abort = new AbortController();
  #written: WrittenAvailability | undefined;
  #changed = false;
  #running: Promise<void> | undefined;
  #cancel: (() => void) | undefined;
  #failures = 0;
  #notBeforeMs: number;

  constructor(options: AvailabilityStatusOptions) {
    this.#options = options;
    this.#notBeforeMs = options.clock.now();
  }

  /** Something about its images changed: one round when the pace allows, however often this comes. */
  readonly plan = (): void => {
    this.#changed = true;
    if (this.#running === undefined && this.#cancel === undefined) this.#schedule();
  };

  /** Writes what is still to be written, whatever the pace; ends with it, or once it is late. */
  readonly flush = async (late: AbortSignal): Promise<void> => {
    const signal = AbortSignal.any([late, this.#abort.signal]);
    while (this.#changed || this.#running !== undefined) {
      if (signal.aborted) return;
      this.#cancel?.();
      this.#cancel = undefined;
      await (this.#running ?? this.#start());
      if (this.#failures > 0) await pause(this.#options.clock, flushRetryMs, signal);
    }
  };

  /** Nothing is sent any more from here on. */
  readonly stop = (): void => {
    this.#abort.abort();
    this.#cancel?.();
  };

  #schedule(): void {
    if (this.#abort.signal.aborted) return;
    const { clock } = this.#options;
    const delayMs = Math.max(coalesceMs, this.#notBeforeMs - clock.now());
    this.#cancel = clock.after(delayMs, () => {
      this.#cancel = undefined;
      void this.#start();
    });
  }

  #start(): Promise<void> {
    this.#running = this.#run().finally(() => {
      this.#running = undefined;
      if (this.#changed && this.#cancel === undefined) this.#schedule();
    });
    return this.#running;
  }

  async #run(): Promise<void> {
    const { clock, log, resource } = this.#options;
    this.#changed = false;
    try {
      const scope = { deadlineMs: roundTimeoutMs, signal: this.#abort.signal };
      const outcome = await withDeadline(clock, scope, (signal) => this.#round(signal));
      if (outcome === 'gone') this.#gone();
      else if (outcome === 'untracked') return;
      else if (outcome.ok) this.#succeeded(outcome.value);
      else this.#failed(outcome.error);
    } catch (error) {
      // A bug of ours: told, and tried again like any failure, since the images are still right.
      log.error({ resource, err: error }, 'writing a status failed');
      this.#retryLater();
    }
  }

  async #round(
    signal: AbortSignal,
  ): Promise<Result<RoundOutcome, ApiFailure> | 'gone' | 'untracked'> {
    const { resource, imagesOf } = this.#options;
    if (this.#written === undefined) {
      const loaded = await loadWritten(this.#options, resource, signal);
      if (!loaded.ok) return loaded;
      if (loaded.value === undefined) return 'gone';
      this.#written = loaded.value;
    }
    const list = await listImages(imagesOf(resource) ?? []);
    // Asked after that: what was torn down meanwhile is not listed.
    if (imagesOf(resource) === undefined) return 'untracked';
    return await writeRound(this.#options, this.#written, { list, signal });
  }

  /** What has changed in the meantime may be a resource made anew under that name. */
  #gone(): void {
    const { clock, resource, onGone } = this.#options;
    this.#notBeforeMs = clock.now() + writeEveryMs;
    if (!this.#changed) onGone(resource);
  }

  #succeeded({ listed, left, unfinished }: RoundOutcome): void {
    const { clock, log, resource } = this.#options;
    this.#failures = 0;
    // Also when nothing had to be written: to find that out costs as much as to make it.
    this.#notBeforeMs = clock.now() + Math.max(writeEveryMs, listed * writeEveryMsPerEntry);
    if (left > 0) log.warn({ resource, left }, 'too many images to remember all over a restart');
    this.#changed ||= unfinished;
  }

  #failed(failure: ApiFailure): void {
    if (this.#abort.signal.aborted) return;
    const { log, resource } = this.#options;
    // Gone, or made anew under the same name: what is written is read again.
    if (hasCode(failure, 404) || hasCode(failure, 409)) this.#written = undefined;
    log.warn({ resource, failure }, 'a status could not be written');
    this.#retryLater();
  }

  #retryLater(): void {
    const { clock, random } = this.#options;
    const waitMs = writeEveryMs + fullJitterMs(this.#failures, backoff, random());
    this.#failures += 1;
    this.#notBeforeMs = Math.max(this.#notBeforeMs, clock.now() + waitMs);
    this.#changed = true;
  }
}
