import { onTestFinished } from 'vitest';
import { createActor, fromCallback, fromPromise } from 'xstate';
import {
  type HostInput,
  type PingOutcome,
  type RegistryInput,
  registryMachine,
} from '#machines/registry.ts';
import { createSimulatedTimerHeap } from '#test/support/time/simulated-timer-heap.ts';

/** The time from one check to the next. */
export const slotMs = 10_000;

/** The machine on simulated time, with a registry that answers its background probes as told. */
export function startChart(known: Partial<RegistryInput> = {}) {
  const clock = createSimulatedTimerHeap();
  const pings: { answer: (outcome: PingOutcome | Error) => void; signal: AbortSignal }[] = [];
  let turns = 0;
  const untilMs = (atMs: number | null): number => Math.max(0, (atMs ?? 0) - clock.now());
  const actor = createActor(
    registryMachine.provide({
      actors: {
        ping: fromPromise<PingOutcome, HostInput>(
          ({ signal }) =>
            new Promise((resolve, reject) => {
              const answer = (outcome: PingOutcome | Error) =>
                outcome instanceof Error ? reject(outcome) : resolve(outcome);
              pings.push({ answer, signal });
            }),
        ),
        line: fromCallback(({ receive }) =>
          receive(() => {
            turns += 1;
          }),
        ),
      },
      delays: {
        untilRenewed: ({ context }) =>
          Math.max(...Object.values(context.quotas).map((quota) => untilMs(quota.untilMs))),
        untilSlot: ({ context }) =>
          context.lastMs === null ? 0 : untilMs(context.lastMs + context.slotMs),
        untilReleased: ({ context }) => untilMs(context.heldUntilMs),
      },
    }),
    { input: { host: 'registry.example.com', slotMs, ...known }, clock },
  );
  actor.subscribe({ error: () => {} });
  actor.start();
  onTestFinished(() => void actor.stop());
  const at = () => actor.getSnapshot().value;
  const answer = async (outcome: PingOutcome | Error): Promise<void> => {
    pings.shift()?.answer(outcome);
    await new Promise((resolve) => setImmediate(resolve));
  };
  /** How long it takes until the reachability is another one, to the millisecond. */
  const pass = (): number => {
    const before = at().reachability;
    let passedMs = 0;
    for (; at().reachability === before; passedMs += 1) clock.advance(1);
    return passedMs;
  };
  const turnsTaken = () => turns;
  return { actor, at, answer, pass, pings, clock, turnsTaken };
}
