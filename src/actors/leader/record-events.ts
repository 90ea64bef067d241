import type { TimerHeap } from '#actors/timer-heap.ts';
import type { Result } from '#core/result.ts';
import type { ApiFailure, KubeClient } from '#kube/client.ts';
import {
  createEvent,
  type EventNote,
  foldEvent,
  newEventPlace,
  type WrittenEvent,
} from '#kube/events.ts';
import { hasCode } from '#kube/failures.ts';
import { microTime } from '#kube/micro-time.ts';
import { callWithRetries } from '#kube/retry.ts';
import type { Log } from '#telemetry/log.ts';

/** Says on objects of the cluster what happened to them. */
export interface EventRecorder {
  /** Returns at once; what happens again and again becomes one event that counts. */
  readonly record: (note: EventNote) => void;
  /** Ends what is in flight; what waits is forgotten. */
  readonly close: () => void;
}

/** What events are written with. */
export interface RecordEventsOptions {
  readonly client: Pick<KubeClient, 'call'>;
  readonly clock: TimerHeap;
  /** Wall time in ms. */
  readonly now: () => number;
  /** From 0 to 1, to spread what is tried again. */
  readonly random: () => number;
  /** Names this process in its events. */
  readonly instance: string;
  readonly log: Log;
}

/** Events remembered so that they can be folded; the longest silent is forgotten first. */
const seriesMax = 1_000;
/** The same event again within this counts as the series that the last one belongs to. */
const seriesMs = 600_000;
/** A series is written at most so often, however often it happens. */
const foldEveryMs = 60_000;
/** Events that wait to be written; beyond it they are only logged. */
const waitingMax = 500;
const callTimeoutMs = 5_000;
/** With the waits between them some ten seconds, or what a throttling API server asks for. */
const attemptsMax = 4;

interface Series {
  readonly note: EventNote;
  /** How often it happened since it was written. */
  count: number;
  written: WrittenEvent | undefined;
  lastMs: number;
  /** The same as wall time: what an event says, however long it waits to be written. */
  at: string;
  cancelFold: (() => void) | undefined;
}

/** Makes the recorder; the caller closes it. */
export function recordEvents(options: RecordEventsOptions): EventRecorder {
  return new Recorder(options);
}

class Recorder implements EventRecorder {
  readonly #options: RecordEventsOptions;
  readonly #series = new Map<string, Series>();
  readonly #abort = new AbortController();
  #waiting = 0;
  /** One call after the other: events are never worth a burst. */
  #tail: Promise<void> = Promise.resolve();

  constructor(options: RecordEventsOptions) {
    this.#options = options;
  }

  readonly record = (note: EventNote): void => {
    if (this.#abort.signal.aborted) return;
    const { clock } = this.#options;
    const { regarding, type, reason } = note;
    const key = JSON.stringify([regarding, type, reason, note.foldAs ?? note.note]);
    const known = this.#series.get(key);
    this.#series.delete(key);
    if (known !== undefined && clock.now() - known.lastMs < seriesMs) {
      known.count += 1;
      known.lastMs = clock.now();
      known.at = this.#at();
      known.cancelFold ??= clock.after(foldEveryMs, () => this.#fold(known));
      this.#series.set(key, known);
      return;
    }
    const fresh: Series = {
      note,
      count: 1,
      written: undefined,
      lastMs: clock.now(),
      at: this.#at(),
      cancelFold: undefined,
    };
    this.#series.set(key, fresh);
    this.#forgetOldest();
    this.#enqueue((signal) => this.#create(fresh, signal));
  };

  readonly close = (): void => {
    this.#abort.abort();
    for (const { cancelFold } of this.#series.values()) cancelFold?.();
    this.#series.clear();
  };

  #forgetOldest(): void {
    if (this.#series.size <= seriesMax) return;
    for (const [key, { cancelFold }] of this.#series) {
      cancelFold?.();
      this.#series.delete(key);
      return;
    }
  }

  #at(): string {
    return microTime(this.#options.now());
  }

  #fold(series: Series): void {
    series.cancelFold = undefined;
    this.#enqueue((signal) => {
      const { written } = series;
      return written === undefined
        ? this.#create(series, signal)
        : this.#count(series, written, signal);
    });
  }

  async #count(series: Series, event: WrittenEvent, signal: AbortSignal): Promise<void> {
    const { note, count, at } = series;
    if (note.onceAs !== undefined) return;
    const { client } = this.#options;
    const folded = await this.#patiently(signal, (bounded) =>
      foldEvent(client, { event, count, at }, bounded),
    );
    if (folded.ok || !hasCode(folded.error, 404)) return;
    // The API server keeps events for an hour; this one is written anew.
    series.written = undefined;
    series.count = 1;
    await this.#create(series, signal);
  }

  async #create(series: Series, signal: AbortSignal): Promise<void> {
    const { client, instance, log } = this.#options;
    const { note, at } = series;
    const place = newEventPlace(note);
    const written = await this.#patiently(signal, (bounded) =>
      createEvent(client, { note, place, at, instance }, bounded),
    );
    // One that was not written is tried again when it happens again.
    if (written.ok) series.written = written.value;
    else if (!signal.aborted) {
      log.warn({ event: note, failure: written.error }, 'an event could not be written');
    }
  }

  #patiently<T>(
    signal: AbortSignal,
    call: (signal: AbortSignal) => Promise<Result<T, ApiFailure>>,
  ): Promise<Result<T, ApiFailure>> {
    const { random } = this.#options;
    return callWithRetries(
      (own) => call(AbortSignal.any([own, AbortSignal.timeout(callTimeoutMs)])),
      { attemptsMax, random },
      signal,
    );
  }

  #enqueue(write: (signal: AbortSignal) => Promise<void>): void {
    if (this.#waiting >= waitingMax) {
      this.#options.log.warn({ waiting: this.#waiting }, 'too many events wait; one is dropped');
      return;
    }
    this.#waiting += 1;
    this.#tail = this.#tail
      .then(() => this.#run(write))
      .catch((error: unknown) => this.#options.log.error({ err: error }, 'writing an event failed'))
      .finally(() => {
        this.#waiting -= 1;
      });
  }

  async #run(write: (signal: AbortSignal) => Promise<void>): Promise<void> {
    if (this.#abort.signal.aborted) return;
    await write(this.#abort.signal);
  }
}
