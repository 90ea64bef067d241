import { createActor } from 'xstate';
import { leadershipLogic } from '#actors/leader/leadership.ts';
import { createSimulatedTimerHeap } from '#test/support/time/simulated-timer-heap.ts';
import { createLeaseTwin, type Trouble } from './lease-twin.ts';

/** Times as the flags have them by default. */
export const durationMs = 15_000;
/** A Lease that was not renewed for so long is let go. */
export const renewDeadlineMs = 10_000;
/** Between attempts. */
export const retryPeriodMs = 2_000;

/** Candidates for one Lease, all on one simulated clock. */
export function createElection() {
  const shared = createSimulatedTimerHeap();
  const twin = createLeaseTwin();
  const leading = new Set<string>();
  let leadingMost = 0;
  const terms: string[] = [];
  /** A process may be stopped, and its clock with it as far as it sees: it has one of its own then. */
  const stand = (identity: string, clock = shared) => {
    const trouble: Trouble = { cut: false, hung: false };
    const means = {
      clock,
      now: () => 1_700_000_000_000 + clock.now(),
      random: () => 0.5,
      lead: () => {
        leading.add(identity);
        terms.push(identity);
        leadingMost = Math.max(leadingMost, leading.size);
      },
      follow: () => void leading.delete(identity),
    };
    const calls = twin.callsOf(trouble);
    const times = { durationMs, renewDeadlineMs, retryPeriodMs };
    const logic = leadershipLogic(means, { calls, identity, ...times });
    const actor = createActor(logic, { input: { elect: true, renewDeadlineMs }, clock });
    actor.start();
    return { actor, trouble, state: () => actor.getSnapshot().value };
  };
  const advance = async (durationMs: number) => {
    for (let passedMs = 0; passedMs < durationMs; passedMs += 100) {
      shared.advance(100);
      await settle();
    }
  };
  return { clock: shared, twin, stand, advance, leading, terms, leadingMost: () => leadingMost };
}

/** Lets every promise that can be settled settle. */
export const settle = () => new Promise<void>((resolve) => setImmediate(resolve));
