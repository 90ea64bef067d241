import type { Runtime } from '#actors/runtime.ts';
import type { ClaimIndex } from '#core/mirroring/claimants.ts';
import type { CopyFailure, CopyOutcome } from '#core/mirroring/copy-outcome.ts';
import { copyBackoff, judgeFailure } from '#core/mirroring/copy-retry.ts';
import type { CopyActorState } from '#core/mirroring/told-state.ts';
import type { CopyDeletions } from './copy-deletions.ts';
import type { DeletesInFlight } from './deletes-in-flight.ts';
import type { MirrorPlans } from './mirror-plans.ts';
import type { MirrorSets } from './mirror-sets.ts';
import type { MirrorTargets } from './mirror-targets.ts';
import type { CopyListener, MirroredCopy } from './mirrored-copy.ts';
import type { SourceGate } from './source-gate.ts';

/** What leads copies from one state to the next, and who depends on where they are. */
export interface CopyCourseOptions {
  readonly targets: Pick<MirrorTargets, 'remove' | 'send'>;
  /** Where a copy waits for its source, before it takes its place in the line of its mirror. */
  readonly sources: Pick<SourceGate, 'put' | 'remove'>;
  readonly deletions: () => Pick<CopyDeletions, 'expired' | 'forget'>;
  readonly plans: () => Pick<MirrorPlans, 'mirrorOf' | 'touch'>;
  readonly claims: Pick<ClaimIndex, 'update'>;
  readonly sets: Pick<MirrorSets, 'send'>;
  readonly inFlight: Pick<DeletesInFlight, 'has'>;
  /** Something about the images of a resource may have changed. */
  readonly changed: (resource: string) => void;
  /** Told of each attempt that came to its end. */
  readonly copied: (copy: MirroredCopy, outcome: CopyOutcome, durationMs: number) => void;
}

/** A copy that failed for good is tried for new Pods at most so often in the long run. */
const podRetryMsMax = 60_000;

/**
 * What a copy waits for in each state, its place in line or a time, since the machines of copies have
 * no clock: they exist by the thousand.
 */
export class CopyCourse implements CopyListener {
  readonly #runtime: Runtime;
  readonly #options: CopyCourseOptions;

  constructor(runtime: Runtime, options: CopyCourseOptions) {
    this.#runtime = runtime;
    this.#options = options;
  }

  readonly moved = (copy: MirroredCopy, from: CopyActorState, to: CopyActorState): void => {
    this.#lead(copy, from, to);
    for (const resource of [...copy.demands.keys()]) {
      this.#options.plans().mirrorOf(resource)?.see(copy);
      if (to === 'Gone') this.#lose(copy, resource);
      this.tellSet(resource);
      this.#options.changed(resource);
    }
  };

  readonly turned = (copy: MirroredCopy): void => {
    if (copy.state === 'Scheduled') this.#options.sources.put(copy);
  };

  readonly isHeld = ({ place }: MirroredCopy): boolean => this.#options.inFlight.has(place.key);

  /** What failed may do better now. */
  readonly rebased = (copy: MirroredCopy): void => {
    if (copy.state === 'BackingOff' || copy.state === 'Failed') copy.send({ type: 'retry.due' });
  };

  /** What time does not heal another Pod may: soon, but not with each Pod of a rollout. */
  readonly usedAnew = (copy: MirroredCopy): void => {
    if (copy.state !== 'Failed') return;
    const { clock } = this.#runtime;
    const { failures } = copy.context;
    const pauseMs = Math.min(copyBackoff.baseMs * 2 ** Math.max(0, failures - 1), podRetryMsMax);
    const sinceMs = clock.now() - (copy.lookedAtMs ?? Number.NEGATIVE_INFINITY);
    const waitMs = Math.max(0, pauseMs - sinceMs);
    copy.wake(clock.after(waitMs, () => copy.send({ type: 'retry.due' })));
  };

  /** A Secret that resources name has changed: who was not let in may be now. */
  readonly retryRefused = (copies: Iterable<MirroredCopy>): void => {
    for (const copy of copies) {
      if (copy.state === 'Failed' || copy.known.failure === 'source-denied') this.rebased(copy);
    }
  };

  /** Tells the actor of a resource whether anything is to be done for it. */
  readonly tellSet = (resource: string): void => {
    const mirror = this.#options.plans().mirrorOf(resource);
    if (mirror === undefined) return;
    this.#options.sets.send(resource, mirror.pending.size > 0 ? 'copies.wanted' : 'copies.done');
  };

  /** What an attempt met tells of its mirror as a whole. */
  readonly ended = (copy: MirroredCopy, outcome: CopyOutcome, durationMs: number): void => {
    const { targets, copied } = this.#options;
    const { target } = copy;
    copied(copy, outcome, durationMs);
    if (outcome.kind === 'failed' && outcome.side === 'source') return;
    if (outcome.kind === 'failed' && isOfWhole(outcome)) {
      const { message, retryAtMs } = outcome;
      targets.send(target, { type: 'target.failed', message, retryAtMs });
    } else targets.send(target, { type: 'target.answered' });
  };

  #lead(copy: MirroredCopy, from: CopyActorState, to: CopyActorState): void {
    const { targets, sources, deletions } = this.#options;
    if (to === 'Scheduled') sources.put(copy);
    else if (from === 'Scheduled') {
      sources.remove(copy);
      if (to !== 'Copying') targets.remove(copy);
    }
    if (to === 'BackingOff' || to === 'Failed') this.#retryLater(copy);
    if (to === 'Expired') deletions().expired(copy);
    else if (to !== 'Deleting') deletions().forget(copy);
    if (from === 'Copying' || from === 'Checking') copy.lookedAtMs = this.#runtime.clock.now();
  }

  /** There is nothing left of it: whoever waits for its place may have it now. */
  #lose(copy: MirroredCopy, resource: string): void {
    const { plans, claims } = this.#options;
    plans().mirrorOf(resource)?.lose(copy);
    const others = claims.update(resource, copy.image);
    plans().touch([{ resource, image: copy.image }, ...others]);
  }

  #retryLater(copy: MirroredCopy): void {
    const { clock, now, random } = this.#runtime;
    const { failures, retryAtMs, known } = copy.context;
    const failure: CopyFailure = {
      ...{ kind: 'failed', side: 'target', reason: known.failure ?? 'unreachable' },
      message: known.lastError ?? '',
      ...(retryAtMs !== null && { retryAtMs }),
    };
    const { retryInMs } = judgeFailure(failure, { failures, nowMs: now(), random: random() });
    copy.wake(clock.after(retryInMs, () => copy.send({ type: 'retry.due' })));
  }
}

/** Whether it is about the mirror, not about this copy: all that are made there would fail of it. */
function isOfWhole({ reason, silent }: CopyFailure): boolean {
  return reason === 'throttled' || (reason === 'unreachable' && silent === true);
}
