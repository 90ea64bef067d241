import { fromCallback, toPromise } from 'xstate';
import { pause, withDeadline } from '#actors/deadline.ts';
import { type ReconcileRef, type RoundOutcome, reconcileLogic } from '#actors/reconcile.ts';
import type { Runtime } from '#actors/runtime.ts';
import { type SupervisorLogic, supervise } from '#actors/supervisor.ts';
import type { KuikSystem } from '#actors/system.ts';
import { fullJitterMs } from '#core/backoff.ts';
import { type Result, succeed } from '#core/result.ts';
import type { ListedImage, ListedImages } from '#core/status/status-kind.ts';
import { createStatusLister } from '#core/status/status-list.ts';
import { type ApiFailure, hasCode } from '#kube/failures.ts';
import type { WorkInput } from '#machines/reconcile.ts';
import { forEachInTurns } from '#telemetry/in-turns.ts';
import { type AwaitedEntry, type EntryWaiter, EntryWaiters } from './entry-waiters.ts';
import type { StatusStore } from './status-store.ts';
import { type EntryPlace, type WriteOutcome, WrittenStatus } from './written-status.ts';

/**
 * Writes the status of every resource that lists images while this process leads: a `reconcile` each.
 * Only a change of images brings a write, never one of a resource: its own writes come back as such.
 */
export function addStatusWriters<Image extends ListedImage, Status>(
  system: KuikSystem,
  options: StatusWritersOptions<Image, Status>,
): StatusWriters {
  const { runtime } = system;
  const { images, ids } = options;
  const waiters = new EntryWaiters();
  const logic = (key: string) =>
    statusWriter(runtime, key.slice(keyPrefix.length), { ...options, waiters });
  const writers = () => system.find<WritersLogic>(ids.writers);
  const add = (resource: string): void =>
    writers()?.send({ type: 'child.add', key: `${keyPrefix}${resource}`, input: undefined });
  const wait = async (resource: string, awaited: AwaitedEntry): Promise<EntryPlace> => {
    const waiting = waiters.wait(resource, awaited);
    add(resource);
    const writer = writers()?.getSnapshot().children.get(`${keyPrefix}${resource}`);
    if (writers() === undefined) waiters.giveUp(resource);
    else writer?.send({ type: 'reconcile.flush' });
    return await waiting;
  };
  system.whileLeading({
    id: ids.writers,
    logic: supervise(runtime, { type: 'reconcile', logic, policy: 'object' }),
  });
  system.whileLeading({
    id: ids.changes,
    logic: fromCallback(() => {
      for (const resource of images.resources()) add(resource);
      const stop = images.subscribe(add);
      return () => {
        stop();
        waiters.giveUpAll();
      };
    }),
  });
  return {
    flush: () => flush(runtime, [...(writers()?.getSnapshot().children.values() ?? [])]),
    written: (resource, image, signal) => wait(resource, { image, signal, aside: false }),
    recorded: (resource, image, signal) => wait(resource, { image, signal, aside: true }),
    stands: async (resource, image, signal) => {
      const place = waiters.placeOf(resource, image);
      if (place !== 'none') return place;
      return await wait(resource, { image, signal, aside: true });
    },
  };
}

/** What statuses are written from and with. */
export interface StatusWritersOptions<Image extends ListedImage, Status> {
  /** Names a resource only once all that was listed before is there again. */
  readonly images: ListedImages<Image>;
  readonly store: StatusStore<Image, Status>;
  /** Names of the actors: who writes, and who waits for changes. */
  readonly ids: { readonly writers: string; readonly changes: string };
}

/** What others ask of those who write. */
export interface StatusWriters extends WrittenEntries {
  /** Writes, at the end of a leader, what is still to be written, whatever the pace. */
  readonly flush: () => Promise<void>;
}

/**
 * Tells when an entry stands, and where: `none` of an image that is not listed, or that nothing has
 * room for, or where nobody leads. The write that is waited for waits 20 ms for company, whatever the
 * pace. An abort rejects with its reason.
 */
export interface WrittenEntries {
  /** Once the entry of the image stands, whatever it says; at once where it does already. */
  readonly stands: AwaitEntry;
  /** Once what is known of the image at this moment is written, with all the rest. */
  readonly written: AwaitEntry;
  /**
   * The same, where it may stand beside the rest: of a resource with more than its status has room for
   * that costs one small ConfigMap, and not all of its images. No replica is sure to know of it.
   */
  readonly recorded: AwaitEntry;
}

type AwaitEntry = (resource: string, image: string, signal: AbortSignal) => Promise<EntryPlace>;

/** Behaviour §6: a status is written no more often than every max(1 s, 10 ms × entries listed). */
const writeEveryMs = 1_000;
const writeEveryMsPerEntry = 10;
/** What changes together is written together: a registry that fails changes many images. */
const settleMs = 200;
const backoff = { baseMs: 1_000, capMs: 60_000 };
/** With 40 shards of 256 KiB and a status of a mebibyte; an API server that hangs is let go. */
const roundDeadlineMs = 60_000;
/** Behaviour §8: what a leader still has in flight at its end has so long. */
const flushDeadlineMs = 5_000;

type WritersLogic = SupervisorLogic<ReturnType<typeof reconcileLogic>>;

/** Names a writer, `reconcile:status/<resource>`. */
const keyPrefix = 'status/';

function statusWriter<Image extends ListedImage, Status>(
  runtime: Runtime,
  resource: string,
  options: WriterOptions<Image, Status>,
) {
  const { images } = options;
  return reconcileLogic(runtime, {
    settleMs,
    watch: (changed) =>
      images.subscribe((about) => {
        if (about === resource) changed();
      }),
    work: new StatusWriter(runtime, resource, options).work,
  });
}

interface WriterOptions<Image extends ListedImage, Status>
  extends StatusWritersOptions<Image, Status> {
  readonly waiters: EntryWaiters;
}

/** Ends the writers: with what is still to be written, or once that is late. */
async function flush({ clock }: Runtime, writers: readonly ReconcileRef[]): Promise<void> {
  const ended = writers.map((writer) => {
    writer.send({ type: 'reconcile.end' });
    return toPromise(writer);
  });
  const flushed = new AbortController();
  await Promise.race([Promise.allSettled(ended), pause(clock, flushDeadlineMs, flushed.signal)]);
  flushed.abort();
}

/** Makes status and overflow of one resource right, from the whole state. */
class StatusWriter<Image extends ListedImage, Status> {
  readonly #runtime: Runtime;
  readonly #resource: string;
  readonly #options: WriterOptions<Image, Status>;
  /** Undefined until it is read, and again once somebody else wrote there. */
  #written: WrittenStatus<Image, Status> | undefined;
  /** When all may be written again, on the clock of the process. */
  #allowedMs = Number.NEGATIVE_INFINITY;

  constructor(runtime: Runtime, resource: string, options: WriterOptions<Image, Status>) {
    this.#runtime = runtime;
    this.#resource = resource;
    this.#options = options;
  }

  readonly work = async (
    { failures, isLast }: WorkInput,
    signal: AbortSignal,
  ): Promise<RoundOutcome> => {
    const scope = { deadlineMs: roundDeadlineMs, signal };
    for (;;) {
      const write = (bounded: AbortSignal) => this.#write(isLast, bounded);
      const outcome = await withDeadline(this.#runtime.clock, scope, write);
      if (outcome === 'gone') {
        this.#options.waiters.giveUp(this.#resource);
        return { kind: 'gone' };
      }
      if (!outcome.ok) return this.#failed(outcome.error, failures, signal);
      if (outcome.value === 'recorded') return this.#recorded();
      if (!isLast || !outcome.value.unfinished) return this.#done(outcome.value);
    }
  };

  async #write(
    isLast: boolean,
    signal: AbortSignal,
  ): Promise<Result<WriteOutcome | 'recorded', ApiFailure> | 'gone'> {
    const { images, store, waiters } = this.#options;
    if (this.#written === undefined) {
      const loaded = await WrittenStatus.load(store, this.#resource, signal);
      if (!loaded.ok) return loaded;
      if (loaded.value === undefined) return 'gone';
      this.#written = loaded.value;
    }
    const waiting = waiters.of(this.#resource);
    const aside = await this.#writeAside(this.#written, isLast ? [] : waiting, signal);
    if (!aside.ok) return aside;
    if (aside.value) return succeed('recorded');
    const lister = createStatusLister(store.statusKind);
    await forEachInTurns(images.imagesOf(this.#resource), lister.add);
    const list = lister.finish();
    // Not restored yet, or torn down: to write that there is nothing would forget everything. Asked
    // after the listing: what was torn down meanwhile is not listed.
    if (!images.resources().includes(this.#resource)) return 'gone';
    const written = this.#written;
    const outcome = await written.write(list, signal);
    if (outcome.ok) waiters.settle(this.#resource, waiting, (image) => written.placeOf(image));
    return outcome;
  }

  /** Records what somebody waits for, where all may not be written yet and is much. */
  async #writeAside(
    written: WrittenStatus<Image, Status>,
    waiting: readonly EntryWaiter[],
    signal: AbortSignal,
  ): Promise<Result<boolean, ApiFailure>> {
    const { images, waiters } = this.#options;
    const { imageOf } = images;
    const isEarly = this.#runtime.clock.now() < this.#allowedMs && written.isLarge;
    const isEnough = waiting.length > 0 && waiting.every(({ aside }) => aside);
    if (!isEarly || !isEnough || imageOf === undefined) return succeed(false);
    const awaited = waiting.flatMap(({ image }) => imageOf(this.#resource, image) ?? []);
    const recorded = await written.record(awaited, signal);
    if (!recorded.ok || !recorded.value) return recorded;
    waiters.settle(this.#resource, waiting, (image) => written.placeOf(image));
    return recorded;
  }

  /** What else has changed is written with all when the pace allows. */
  #recorded(): RoundOutcome {
    const restMs = Math.max(0, this.#allowedMs - this.#runtime.clock.now());
    return { kind: 'done', paceMs: restMs, dueInMs: restMs };
  }

  #done({ listed, left, unfinished }: WriteOutcome): RoundOutcome {
    const resource = this.#resource;
    const message = 'too many images to remember all over a restart';
    if (left > 0) this.#runtime.log.warn({ resource, left }, message);
    // Also when nothing had to be written: to find that out costs as much as to make it.
    const paceMs = Math.max(writeEveryMs, listed * writeEveryMsPerEntry);
    this.#allowedMs = this.#runtime.clock.now() + paceMs;
    return { kind: 'done', paceMs, ...(unfinished && { dueInMs: paceMs }) };
  }

  #failed(failure: ApiFailure, failures: number, signal: AbortSignal): RoundOutcome {
    const { log, random } = this.#runtime;
    // Gone, or made anew under the same name: what is written is read again.
    const resource = this.#resource;
    if (hasCode(failure, 404) || hasCode(failure, 409)) {
      this.#written = undefined;
      this.#allowedMs = Number.NEGATIVE_INFINITY;
      this.#options.waiters.forget(resource);
    }
    if (!signal.aborted) log.warn({ resource, failure }, 'a status could not be written');
    const retryInMs = writeEveryMs + fullJitterMs(failures, backoff, random());
    return { kind: 'failed', message: failure.message, retryInMs, quietMs: retryInMs };
  }
}
