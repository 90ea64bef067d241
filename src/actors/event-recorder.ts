import { BoundedMap } from '#core/bounded-map.ts';
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
import { Limiter } from './limiter.ts';
import { type Runtime, reportCrash } from './runtime.ts';

/** Says on objects of the cluster what happened to them. The caller closes it. */
export class EventRecorder {
  readonly #runtime: Runtime;
  readonly #options: EventRecorderOptions;
  readonly #series = new BoundedMap<string, Series>(seriesMax, forget);
  readonly #abort = new AbortController();
  /** One call after the other: events are never worth a burst. */
  readonly #calls: Limiter;

  constructor(runtime: Runtime, options: EventRecorderOptions) {
    this.#runtime = runtime;
    this.#options = options;
    this.#calls = new Limiter(runtime, { concurrency: 1, waitingMax });
  }

  /** Returns at once; what happens again and again becomes one event that counts. */
  readonly record = (note: EventNote): void => {
    if (this.#abort.signal.aborted) return;
    const { clock, now } = this.#runtime;
    const { regarding, type, reason } = note;
    const key = JSON.stringify([regarding, type, reason, note.foldAs ?? note.note]);
    const known = this.#series.get(key);
    const lastMs = clock.now();
    const at = microTime(now());
    if (known !== undefined && lastMs - known.lastMs < seriesMs) {
      known.count += 1;
      known.lastMs = lastMs;
      known.at = at;
      known.cancelFold ??= clock.after(foldEveryMs, () => this.#enqueue(known));
      return;
    }
    const fresh = { note, count: 1, written: undefined, lastMs, at, cancelFold: undefined };
    this.#series.set(key, fresh);
    this.#enqueue(fresh);
  };

  /** Ends what is in flight; what waits is forgotten. */
  readonly close = (): void => {
    this.#abort.abort();
    for (const series of this.#series.values()) forget(series);
    this.#series.clear();
  };

  #enqueue(series: Series): void {
    series.cancelFold = undefined;
    this.#calls
      .run(() => this.#write(series), { signal: this.#abort.signal })
      .then(
        ({ kind }) => {
          const waiting = this.#calls.waiting;
          const message = 'too many events wait; one is dropped';
          if (kind === 'full') this.#runtime.log.warn({ waiting }, message);
        },
        (error: unknown) => reportCrash(this.#runtime, 'events', error),
      );
  }

  async #write(series: Series): Promise<void> {
    const { client, instance } = this.#options;
    const { note, count, at, written: event } = series;
    if (event !== undefined) {
      if (note.onceAs !== undefined) return;
      const folded = await this.#call((signal) => foldEvent(client, { event, count, at }, signal));
      if (folded.ok || !hasCode(folded.error, 404)) return;
      // The API server keeps events for an hour; this one is written anew.
      series.written = undefined;
      series.count = 1;
    }
    const fresh = { note, place: newEventPlace(note), at: series.at, instance };
    const written = await this.#call((signal) => createEvent(client, fresh, signal));
    // One that was not written is tried again when it happens again.
    if (written.ok) series.written = written.value;
    else if (!this.#abort.signal.aborted) {
      const failure = written.error;
      this.#runtime.log.warn({ event: note, failure }, 'an event could not be written');
    }
  }

  #call<T>(
    call: (signal: AbortSignal) => Promise<Result<T, ApiFailure>>,
  ): Promise<Result<T, ApiFailure>> {
    const { random } = this.#runtime;
    return callWithRetries(
      (own) => call(AbortSignal.any([own, AbortSignal.timeout(callTimeoutMs)])),
      { attemptsMax, random },
      this.#abort.signal,
    );
  }
}

/** What events are written with. */
export interface EventRecorderOptions {
  readonly client: Pick<KubeClient, 'call'>;
  /** Names this process in its events. */
  readonly instance: string;
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

function forget({ cancelFold }: Series): void {
  cancelFold?.();
}
