import type { KubeClient } from '#kube/client.ts';
import {
  createEvent,
  type EventNote,
  foldEvent,
  microTime,
  type WrittenEvent,
} from '#kube/events.ts';
import { hasCode } from '#kube/failures.ts';
import type { Log } from '#telemetry/log.ts';
import type { WakeHeap } from './wake.ts';

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
  readonly wake: WakeHeap;
  /** Wall time in ms. */
  readonly now: () => number;
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

interface Series {
  readonly note: EventNote;
  count: number;
  written: WrittenEvent | undefined;
  lastMs: number;
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
    const { wake } = this.#options;
    const { regarding, type, reason } = note;
    const key = JSON.stringify([regarding, type, reason, note.foldAs ?? note.note]);
    const known = this.#series.get(key);
    this.#series.delete(key);
    if (known !== undefined && wake.now() - known.lastMs < seriesMs) {
      known.count += 1;
      known.lastMs = wake.now();
      known.cancelFold ??= wake.after(foldEveryMs, () => this.#fold(known));
      this.#series.set(key, known);
      return;
    }
    const fresh: Series = {
      note,
      count: 1,
      written: undefined,
      lastMs: wake.now(),
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

  #fold(series: Series): void {
    series.cancelFold = undefined;
    const event = series.written;
    if (event === undefined) return;
    this.#enqueue(async (signal) => {
      const at = microTime(this.#options.now());
      const written = await foldEvent(
        this.#options.client,
        { event, count: series.count, at },
        signal,
      );
      // The API server keeps events for an hour; one that is gone is written anew next time.
      if (!written.ok) series.written = undefined;
    });
  }

  async #create(series: Series, signal: AbortSignal): Promise<void> {
    const { client, now, instance, log } = this.#options;
    const { note } = series;
    const written = await createEvent(client, { note, at: microTime(now()), instance }, signal);
    if (written.ok) series.written = written.value;
    else if (note.onceAs !== undefined && hasCode(written.error, 409)) series.written = undefined;
    else if (!this.#abort.signal.aborted) {
      log.warn({ event: note, failure: written.error }, 'an event could not be written');
    }
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
    await write(AbortSignal.any([this.#abort.signal, AbortSignal.timeout(callTimeoutMs)]));
  }
}
