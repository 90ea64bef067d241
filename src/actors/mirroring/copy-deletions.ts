import { pause } from '#actors/deadline.ts';
import { Limiter } from '#actors/limiter.ts';
import type { Registries } from '#actors/registries/registries.ts';
import type { Runtime } from '#actors/runtime.ts';
import { BoundedMap } from '#core/bounded-map.ts';
import {
  type DeletionStep,
  expiredQuietMs,
  nextDeletionStep,
} from '#core/mirroring/copy-deletion.ts';
import { judgeFailure } from '#core/mirroring/copy-retry.ts';
import type { DeletionOutcome } from '#machines/mirrored-image.ts';
import type { ImageCopier } from '#oci/copy.ts';

import { ExpiredStatuses, type ExpiredStatusesOptions } from './expired-statuses.ts';
import type { FreshPods, PodFacts } from './fresh-pods.ts';
import type { MirrorCredentials, PushCredentials } from './mirror-credentials.ts';
import type { CopyDemand, MirroredCopy } from './mirrored-copy.ts';
import { type SendDeleteMeans, sendDelete } from './send-delete.ts';
import { tellRegistry } from './tell-registry.ts';

/** What copies are deleted with. */
export interface CopyDeletionsOptions extends ExpiredStatusesOptions, SendDeleteMeans {
  readonly copier: Pick<ImageCopier, 'look' | 'deleteCopy'>;
  readonly registries: Pick<Registries, 'tell'>;
  readonly credentials: MirrorCredentials;
  readonly pods: FreshPods;
  /** Deletions at once on one mirror. */
  readonly concurrency: number;
  /**
   * Under whose entry it is due to be deleted, by what is known of Pods and resources and, where it is
   * given, by a consistent list; undefined where it is not (any more).
   */
  readonly dueFor: (copy: MirroredCopy, facts?: PodFacts) => DueDemand | undefined;
  /** Told of what came of each try: `deleted`, or the word for why not. */
  readonly ended: (copy: MirroredCopy, result: string) => void;
}

/** A resource under whose entry a copy is due to go. */
export interface DueDemand extends CopyDemand {
  readonly resource: string;
}

/** How far a deletion has come; monotonic ms. */
interface Progress {
  /** Aborts when the copy is not `Expired` any more. */
  readonly life: AbortController;
  writtenMs: number | undefined;
  wasTried: boolean;
  podsListedMs: number | undefined;
  facts: PodFacts | undefined;
  seen: { readonly digest?: string; readonly atMs: number } | undefined;
  /** Of an entry that recorded none (kuik v2's): seen when `Expired` was written. */
  firstSeen: string | undefined;
}

/** Mirrors whose deletions are told apart; more than that share their bounds. */
const limitersMax = 1_000;
/** Copies at one place become `Expired` one after the other: so often is looked for the rest. */
const othersExpireMs = 1_000;
/** Deletions of one mirror that wait: as many as are `Expired` of twenty resources. */
const waitingMax = 10_000;

/** The two phases of a deletion: from `Expired` in the status to the DELETE (behaviour §5). */
export class CopyDeletions {
  readonly #runtime: Runtime;
  readonly #options: CopyDeletionsOptions;
  readonly #progress = new Map<MirroredCopy, Progress>();
  readonly #said: ExpiredStatuses;
  readonly #limiters = new BoundedMap<string, Limiter>(limitersMax);

  constructor(runtime: Runtime, options: CopyDeletionsOptions) {
    this.#runtime = runtime;
    this.#options = options;
    this.#said = new ExpiredStatuses(runtime, options);
  }

  /** It is `Expired`, for the first time or after a DELETE that failed: when it is due, it is told. */
  readonly expired = (copy: MirroredCopy): void => {
    const known = this.#progress.get(copy);
    if (known !== undefined) this.#retryLater(copy);
    else void this.#announce(copy, this.#begin(copy));
  };

  /** It is not to go any more, or has gone. */
  readonly forget = (copy: MirroredCopy): void => {
    this.#progress.get(copy)?.life.abort();
    this.#progress.delete(copy);
  };

  /** All are torn down. */
  readonly clear = (): void => {
    for (const { life } of this.#progress.values()) life.abort();
    this.#progress.clear();
  };

  /** The effect of its actor: takes one step after the other, as far as they lead. */
  readonly run = async (copy: MirroredCopy, signal: AbortSignal): Promise<DeletionOutcome> => {
    const { concurrency } = this.#options;
    const known = this.#limiters.get(copy.target);
    const limiter = known ?? new Limiter(this.#runtime, { concurrency, waitingMax });
    if (known === undefined) this.#limiters.set(copy.target, limiter);
    const limited = await limiter.run(() => this.#delete(copy, signal), { signal });
    if (limited.kind !== 'done') return { kind: 'failed', message: 'too many deletions wait' };
    if (!signal.aborted) this.#tell(copy, limited.value);
    return limited.value;
  };

  #begin(copy: MirroredCopy): Progress {
    const progress: Progress = {
      ...{ life: new AbortController(), writtenMs: undefined, wasTried: false },
      ...{ podsListedMs: undefined, facts: undefined, seen: undefined, firstSeen: undefined },
    };
    this.#progress.set(copy, progress);
    return progress;
  }

  /** First phase: the statuses say it, and every replica has the time to hear of it. */
  async #announce(copy: MirroredCopy, progress: Progress): Promise<void> {
    const { clock } = this.#runtime;
    const { signal } = progress.life;
    if (!this.#said.areAllExpired(copy)) {
      copy.wake(clock.after(othersExpireMs, () => void this.#announce(copy, progress)));
      return;
    }
    const saidMs = await this.#said.write(copy, signal);
    if (signal.aborted) return;
    if (saidMs === undefined) {
      // Nothing has room for it, so not every replica knows: it is said once there is.
      copy.wake(clock.after(expiredQuietMs, () => void this.#announce(copy, progress)));
      return;
    }
    progress.writtenMs = saidMs;
    if (copy.known.digest === undefined) progress.firstSeen = await this.#lookFirst(copy, signal);
    if (signal.aborted) return;
    const waitMs = saidMs + expiredQuietMs - clock.now();
    copy.wake(clock.after(waitMs, () => copy.send({ type: 'deletion.due' })));
  }

  async #lookFirst(copy: MirroredCopy, signal: AbortSignal): Promise<string | undefined> {
    const due = this.#options.dueFor(copy);
    if (due === undefined) return undefined;
    const push = await this.#options.credentials.toPush(due.resource, due.place, signal);
    const found = await this.#look(due, push, signal);
    return found.kind === 'there' || found.kind === 'changed' ? found.digest : undefined;
  }

  #retryLater(copy: MirroredCopy): void {
    const { clock, now, random } = this.#runtime;
    const { failures, retryAtMs } = copy.context;
    const failure = { kind: 'failed', side: 'target', reason: 'unreachable', message: '' } as const;
    const count = { failures: Math.max(1, failures), nowMs: now(), random: random() };
    const stated = retryAtMs === null ? failure : { ...failure, retryAtMs };
    const { retryInMs } = judgeFailure(stated, count);
    copy.wake(clock.after(retryInMs, () => copy.send({ type: 'deletion.due' })));
  }

  async #delete(copy: MirroredCopy, signal: AbortSignal): Promise<DeletionOutcome> {
    const progress = this.#progress.get(copy) ?? this.#begin(copy);
    while (!signal.aborted) {
      const due = this.#options.dueFor(copy, progress.facts);
      const step = this.#nextStep(copy, progress, due !== undefined);
      if (step.kind === 'revive' || due === undefined) return { kind: 'wanted' };
      const outcome = await this.#take(step, { copy, progress, due, signal });
      if (outcome !== undefined) return outcome;
    }
    return { kind: 'wanted' };
  }

  #nextStep(copy: MirroredCopy, progress: Progress, isDue: boolean): DeletionStep {
    const { writtenMs, wasTried, podsListedMs, seen, firstSeen } = progress;
    const expectedDigest = copy.known.digest ?? firstSeen;
    return nextDeletionStep({
      ...{ wasTried, isDue, holdsLease: this.#options.leads(), nowMs: this.#runtime.clock.now() },
      ...(writtenMs !== undefined && { writtenMs }),
      ...(podsListedMs !== undefined && { podsListedMs }),
      ...(expectedDigest !== undefined && { expectedDigest }),
      ...(seen !== undefined && { seen }),
    });
  }

  /** Does what comes next; undefined where something comes after it. */
  async #take(step: DeletionStep, way: Way): Promise<DeletionOutcome | undefined> {
    const { copy, progress, signal } = way;
    const { clock } = this.#runtime;
    switch (step.kind) {
      case 'gone':
        return { kind: 'deleted' };
      case 'foreign':
        return { kind: 'kept', message: step.message };
      case 'wait':
        await pause(clock, step.untilMs - clock.now(), signal);
        return undefined;
      case 'write':
        progress.writtenMs = await this.#said.write(copy, signal);
        return progress.writtenMs === undefined ? failed('its status has no room') : undefined;
      case 'list-pods':
        return await this.#listPods(progress);
      case 'look':
        return await this.#seeNow(way);
      case 'delete':
        return await this.#send(way);
      default:
        return failed('this process does not lead any more');
    }
  }

  async #listPods(progress: Progress): Promise<DeletionOutcome | undefined> {
    const atMs = this.#runtime.clock.now();
    const facts = await this.#options.pods.read();
    if (!facts.ok) return failed(`the Pods could not be read: ${facts.error.message}`);
    progress.podsListedMs = atMs;
    progress.facts = facts.value;
    return undefined;
  }

  async #seeNow({ progress, due, signal }: Way): Promise<DeletionOutcome | undefined> {
    const atMs = this.#runtime.clock.now();
    const push = await this.#options.credentials.toPush(due.resource, due.place, signal);
    const found = await this.#look(due, push, signal);
    if (found.kind === 'failed') return failed(found.message, found.retryAtMs);
    progress.seen = 'digest' in found ? { digest: found.digest, atMs } : { atMs };
    return undefined;
  }

  async #look({ place }: DueDemand, { credentials }: PushCredentials, signal: AbortSignal) {
    const { copier, registries } = this.#options;
    const found = await copier.look({ target: place.reference, credentials }, signal);
    const { registry } = place.reference;
    if (!signal.aborted) tellRegistry(registries, { target: { registry, credentials } }, found);
    return found;
  }

  async #send({ copy, progress, due, signal }: Way): Promise<DeletionOutcome> {
    const { registries, credentials } = this.#options;
    const push = await credentials.toPush(due.resource, due.place, signal);
    const digest = copy.known.digest ?? progress.firstSeen ?? '';
    // Whatever was waited for: things may have changed, and from here on nothing is waited for.
    const still = this.#options.dueFor(copy, progress.facts);
    if (this.#nextStep(copy, progress, still !== undefined).kind !== 'delete') {
      return failed('it was not to be deleted any more when its turn came');
    }
    progress.wasTried = true;
    const target = due.place.reference;
    const asked = { target, credentials: push.credentials, digest };
    const outcome = await sendDelete(this.#runtime, this.#options, { copy, asked, signal });
    progress.seen = undefined;
    if (signal.aborted) return { kind: 'wanted' };
    const end = { registry: target.registry, credentials: push.credentials };
    tellRegistry(registries, { target: end }, outcome);
    if (outcome.kind === 'failed') return failed(outcome.message, outcome.retryAtMs);
    if (outcome.kind === 'refused') return failed(outcome.message);
    credentials.accept(due.resource, due.place, push);
    if (outcome.kind !== 'changed') return { kind: 'deleted' };
    return { kind: 'kept', message: `the registry shows ${outcome.digest}` };
  }

  #tell(copy: MirroredCopy, outcome: DeletionOutcome): void {
    const { log } = this.#runtime;
    const { copy: image } = copy.known;
    this.#options.ended(copy, outcome.kind);
    if (outcome.kind === 'deleted') log.info({ image }, 'a copy that nobody uses was deleted');
    else log.info({ image, outcome }, 'a copy was not deleted');
  }
}

/** What one deletion is on its way with. */
interface Way {
  readonly copy: MirroredCopy;
  readonly progress: Progress;
  readonly due: DueDemand;
  readonly signal: AbortSignal;
}

function failed(message: string, retryAtMs?: number): DeletionOutcome {
  return { kind: 'failed', message, ...(retryAtMs !== undefined && { retryAtMs }) };
}
