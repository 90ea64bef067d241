import { fromCallback, toPromise } from 'xstate';
import { pause, withDeadline } from '#actors/deadline.ts';
import { type ReconcileRef, type RoundOutcome, reconcileLogic } from '#actors/reconcile.ts';
import type { Runtime } from '#actors/runtime.ts';
import { type SupervisorLogic, supervise } from '#actors/supervisor.ts';
import type { KuikSystem } from '#actors/system.ts';
import { fullJitterMs } from '#core/backoff.ts';
import { createStatusLister } from '#core/monitoring/status-list.ts';
import type { TrackedImages } from '#core/monitoring/tracked-image.ts';
import type { Result } from '#core/result.ts';
import { type ApiFailure, hasCode } from '#kube/failures.ts';
import type { WorkInput } from '#machines/reconcile.ts';
import { forEachInTurns } from '#telemetry/in-turns.ts';
import type { AvailabilityStore } from './availability-store.ts';
import { type WriteOutcome, WrittenStatus } from './written-status.ts';

/**
 * Writes the status of every ClusterImageSetAvailability while this process leads: a `reconcile` each.
 * Only a change of tracked images brings a write, never one of a resource: its own writes come back
 * as such. The answer writes, at the end of a leader, what is still to be written, whatever the pace.
 */
export function addStatusWriters(
  system: KuikSystem,
  options: StatusWritersOptions,
): () => Promise<void> {
  const { runtime } = system;
  const { tracked } = options;
  const logic = (key: string) => statusWriter(runtime, key.slice(keyPrefix.length), options);
  const writers = () => system.find<WritersLogic>(writersId);
  const add = (resource: string): void =>
    writers()?.send({ type: 'child.add', key: `${keyPrefix}${resource}`, input: undefined });
  system.whileLeading({
    id: writersId,
    logic: supervise(runtime, { type: 'reconcile', logic, policy: 'object' }),
  });
  system.whileLeading({
    id: 'status-changes',
    logic: fromCallback(() => {
      for (const resource of tracked.resources()) add(resource);
      return tracked.subscribe(add);
    }),
  });
  return () => flush(runtime, [...(writers()?.getSnapshot().children.values() ?? [])]);
}

/** What statuses are written from and with. */
export interface StatusWritersOptions {
  /** Names a resource only once all that was tracked before is there again. */
  readonly tracked: TrackedImages;
  readonly store: AvailabilityStore;
}

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

const writersId = 'status-writers';
/** Names a writer, `reconcile:status/<resource>`. */
const keyPrefix = 'status/';

function statusWriter(runtime: Runtime, resource: string, options: StatusWritersOptions) {
  const { tracked } = options;
  return reconcileLogic(runtime, {
    settleMs,
    watch: (changed) =>
      tracked.subscribe((about) => {
        if (about === resource) changed();
      }),
    work: new StatusWriter(runtime, resource, options).work,
  });
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
class StatusWriter {
  readonly #runtime: Runtime;
  readonly #resource: string;
  readonly #options: StatusWritersOptions;
  /** Undefined until it is read, and again once somebody else wrote there. */
  #written: WrittenStatus | undefined;

  constructor(runtime: Runtime, resource: string, options: StatusWritersOptions) {
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
      const write = (bounded: AbortSignal) => this.#write(bounded);
      const outcome = await withDeadline(this.#runtime.clock, scope, write);
      if (outcome === 'gone') return { kind: 'gone' };
      if (!outcome.ok) return this.#failed(outcome.error, failures, signal);
      if (!isLast || !outcome.value.unfinished) return this.#done(outcome.value);
    }
  };

  async #write(signal: AbortSignal): Promise<Result<WriteOutcome, ApiFailure> | 'gone'> {
    const { tracked, store } = this.#options;
    if (this.#written === undefined) {
      const loaded = await WrittenStatus.load(store, this.#resource, signal);
      if (!loaded.ok) return loaded;
      if (loaded.value === undefined) return 'gone';
      this.#written = loaded.value;
    }
    const lister = createStatusLister();
    await forEachInTurns(tracked.imagesOf(this.#resource), lister.add);
    const list = lister.finish();
    // Not restored yet, or torn down: to write that there is nothing would forget everything. Asked
    // after the listing: what was torn down meanwhile is not listed.
    if (!tracked.resources().includes(this.#resource)) return 'gone';
    return await this.#written.write(list, signal);
  }

  #done({ listed, left, unfinished }: WriteOutcome): RoundOutcome {
    const resource = this.#resource;
    const message = 'too many images to remember all over a restart';
    if (left > 0) this.#runtime.log.warn({ resource, left }, message);
    // Also when nothing had to be written: to find that out costs as much as to make it.
    const paceMs = Math.max(writeEveryMs, listed * writeEveryMsPerEntry);
    return { kind: 'done', paceMs, ...(unfinished && { dueInMs: paceMs }) };
  }

  #failed(failure: ApiFailure, failures: number, signal: AbortSignal): RoundOutcome {
    const { log, random } = this.#runtime;
    // Gone, or made anew under the same name: what is written is read again.
    if (hasCode(failure, 404) || hasCode(failure, 409)) this.#written = undefined;
    const resource = this.#resource;
    if (!signal.aborted) log.warn({ resource, failure }, 'a status could not be written');
    const retryInMs = writeEveryMs + fullJitterMs(failures, backoff, random());
    return { kind: 'failed', message: failure.message, retryInMs, quietMs: retryInMs };
  }
}
