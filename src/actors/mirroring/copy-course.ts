import type { Runtime } from '#actors/runtime.ts';
import type { CopyFailure, CopyOutcome } from '#core/mirroring/copy-outcome.ts';
import { judgeFailure } from '#core/mirroring/copy-retry.ts';
import type { CopyActorState } from '#core/mirroring/told-state.ts';
import type { CopyDeletions } from './copy-deletions.ts';
import type { MirrorTargets } from './mirror-targets.ts';
import type { MirroredCopy } from './mirrored-copy.ts';

/** What leads copies from one state to the next. */
export interface CopyCourseOptions {
  readonly targets: Pick<MirrorTargets, 'put' | 'remove' | 'send'>;
  readonly deletions: Pick<CopyDeletions, 'expired' | 'forget'>;
  /** Told of each attempt that came to its end. */
  readonly copied: (copy: MirroredCopy, outcome: CopyOutcome, durationMs: number) => void;
}

/**
 * What a copy waits for in each state, its place in line or a time, since the machines of copies have
 * no clock: they exist by the thousand.
 */
export class CopyCourse {
  readonly #runtime: Runtime;
  readonly #options: CopyCourseOptions;

  constructor(runtime: Runtime, options: CopyCourseOptions) {
    this.#runtime = runtime;
    this.#options = options;
  }

  readonly enter = (copy: MirroredCopy, from: CopyActorState, to: CopyActorState): void => {
    const { targets, deletions } = this.#options;
    if (to === 'Scheduled') targets.put(copy);
    else if (from === 'Scheduled' && to !== 'Copying') targets.remove(copy);
    if (to === 'BackingOff' || to === 'Failed') this.#retryLater(copy);
    if (to === 'Expired') deletions.expired(copy);
    else if (to !== 'Deleting') deletions.forget(copy);
    if (from === 'Copying' || from === 'Checking') copy.lookedAtMs = this.#runtime.clock.now();
  };

  /** What an attempt met tells of its mirror as a whole. */
  readonly ended = (copy: MirroredCopy, outcome: CopyOutcome, durationMs: number): void => {
    const { targets, copied } = this.#options;
    const { target } = copy;
    copied(copy, outcome, durationMs);
    if (outcome.kind === 'copied' || outcome.side === 'source') {
      if (outcome.kind === 'copied') targets.send(target, { type: 'target.answered' });
      return;
    }
    const { reason, silent, message, retryAtMs } = outcome;
    if (reason === 'throttled' || (reason === 'unreachable' && silent === true)) {
      targets.send(target, { type: 'target.failed', message, retryAtMs });
    } else targets.send(target, { type: 'target.answered' });
  };

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
