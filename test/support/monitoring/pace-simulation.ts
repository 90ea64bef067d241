import { setImmediate as nextTurn } from 'node:timers/promises';
import { createActor } from 'xstate';
import { pause } from '#actors/deadline.ts';
import { CheckTurns, type Turn } from '#actors/registries/check-turns.ts';
import { registriesLogic } from '#actors/registries/registry-logic.ts';
import type { Runtime } from '#actors/runtime.ts';
import { TimerHeap } from '#actors/timer-heap.ts';
import {
  countChecks,
  nextCheckMs,
  type Pace,
  recordedMsMax,
  slotMsOf,
  unpaced,
} from '#core/monitoring/pace.ts';
import { toMonotonicMs } from '#core/monitoring/stored-time.ts';
import { TurnQueue } from '#core/monitoring/turn-queue.ts';
import { createTestRuntime } from '#test/support/time/test-runtime.ts';

/** One registry, watched by one leader after another. */
export interface PaceLoad {
  readonly pace: Pace;
  readonly images: number;
  readonly durationMs: number;
  /** In the order of time; at each the leader ends and the next begins. */
  readonly restarts: readonly Restart[];
  /** From 0 to 1. */
  readonly random: () => number;
  /** By the decisions alone, without actors: a hundred times as fast. */
  readonly byPolicy?: boolean;
}

/** How one leader ended, and how long nobody led. */
export interface Restart {
  readonly atMs: number;
  readonly how: 'graceful' | 'crash';
  readonly awayMs: number;
}

/** What the registry saw. */
export interface SeenChecks {
  /** When each request left, in the order of time. */
  readonly sentMs: readonly number[];
  /** Image → when its requests left. */
  readonly byImage: ReadonlyMap<string, readonly number[]>;
}

/** A status is written so long after a check at most: 10 ms for each of 1,000 entries. */
const writtenAfterMsMax = 10_000;
const secretsMsMax = 200;
const answerMsMax = 3_000;
const host = 'registry.example.com';
/** Of all leaders: to make its metrics takes longer than many of them live. */
const told = createTestRuntime();

/** What outlives a leader: statuses, and what the Lease says of its last crash. */
interface Stored {
  /** Whole seconds, as a status has them. */
  readonly lastMonitorMs: Map<string, number>;
  expiredAtMs: number | undefined;
}

/**
 * Plays the life of one registry's checks: each leader restores what is stored, takes turns, and
 * stores what it did a while later, unless it crashes before.
 */
export async function simulatePace(load: PaceLoad): Promise<SeenChecks> {
  const stored: Stored = { lastMonitorMs: new Map(), expiredAtMs: undefined };
  const sentMs: number[] = [];
  const byImage = new Map<string, number[]>();
  const images = Array.from({ length: load.images }, (_, index) => `image-${index}`);
  let startMs = 0;
  for (const restart of [...load.restarts, undefined]) {
    // One that falls into the time without a leader ends one that has hardly begun.
    const endMs = Math.max(startMs, restart?.atMs ?? load.durationMs);
    const recorded: { image: string; atMs: number; writtenMs: number }[] = [];
    const see = (image: string, atMs: number) => {
      sentMs.push(atMs);
      const times = byImage.get(image);
      if (times === undefined) byImage.set(image, [atMs]);
      else times.push(atMs);
      recorded.push({ image, atMs, writtenMs: atMs + load.random() * writtenAfterMsMax });
    };
    const leader = { load, stored, images, startMs, endMs, see };
    if (load.byPolicy === true) leadByPolicy(leader);
    else await lead(leader);
    // A graceful end writes what is still to be written.
    const keptMs = restart?.how === 'crash' ? endMs : Number.POSITIVE_INFINITY;
    for (const { image, atMs } of recorded.filter(({ writtenMs }) => writtenMs <= keptMs)) {
      stored.lastMonitorMs.set(image, Math.floor(atMs / 1_000) * 1_000);
    }
    startMs = endMs + (restart?.awayMs ?? 0);
    if (restart?.how === 'crash') stored.expiredAtMs = startMs;
  }
  return { sentMs, byImage };
}

interface Leader {
  readonly load: PaceLoad;
  readonly stored: Stored;
  readonly images: readonly string[];
  readonly startMs: number;
  readonly endMs: number;
  readonly see: (image: string, atMs: number) => void;
}

/** One leader from its beginning to its end, with the registry's actor and its line. */
async function lead({ load, stored, images, startMs, endMs, see }: Leader): Promise<void> {
  const { clock, advance } = steppedClock();
  const runtime: Runtime = { ...told, clock, now: () => startMs + clock.now() };
  const never = new AbortController().signal;
  const pace = { paceOf: () => load.pace, inFlightMaxOf: () => Number.POSITIVE_INFINITY };
  const turns = new CheckTurns(runtime, {
    ...pace,
    actorOf: () => supervisor.getSnapshot().children.get(host),
    keep: () => {
      const input = { host, slotMs: slotMsOf(load.pace) };
      supervisor.send({ type: 'child.add', key: host, input });
    },
  });
  const client = { ping: () => Promise.reject(new Error('Nobody suspects the registry.')) };
  const logic = registriesLogic(runtime, { client, pingTimeoutMs: 1_000, turns });
  const supervisor = createActor(logic, { clock }).start();
  const run = async (_: string, image: string, turn: Turn) => {
    await pause(clock, load.random() * secretsMsMax, never);
    turn.begin();
    see(image, runtime.now());
    await pause(clock, load.random() * answerMsMax, never);
    turn.answered();
  };
  turns.begin({ unrecordedUntilMs: stored.expiredAtMs, run });
  for (const image of images) {
    const lastMonitorMs = stored.lastMonitorMs.get(image);
    turns.recorded(host, lastMonitorMs);
    const isNew = lastMonitorMs === undefined;
    turns.add(host, image, isNew ? undefined : toMonotonicMs(lastMonitorMs, turns.clocks()));
  }
  turns.open();
  await advance(endMs - startMs);
  clock.close();
  supervisor.stop();
}

/** The same leader by what its actor decides with. */
function leadByPolicy(leader: Leader): void {
  const { load, startMs, endMs, see } = leader;
  const line = new PolicyLine(leader);
  for (let nowMs = 0; nowMs < endMs - startMs; ) {
    const dueMs = Math.max(nowMs, nextCheckMs(line.memory, slotMsOf(load.pace)));
    const answeredMs = line.land(dueMs);
    if (answeredMs !== undefined) {
      nowMs = Math.max(nowMs, answeredMs);
      continue;
    }
    const image = dueMs < endMs - startMs ? line.queue.takeFirst() : undefined;
    nowMs = dueMs + load.random() * secretsMsMax;
    if (image === undefined || nowMs >= endMs - startMs) return;
    line.count(nowMs);
    see(image, startMs + nowMs);
    line.begin({ image, beganMs: nowMs, doneMs: nowMs + load.random() * answerMsMax });
  }
}

interface Flying {
  readonly image: string;
  readonly beganMs: number;
  readonly doneMs: number;
}

class PolicyLine {
  readonly queue = new TurnQueue();
  memory = unpaced;
  readonly #flying: Flying[] = [];
  #isMet = false;

  /** Restores what is stored. */
  constructor({ stored, images, startMs }: Leader) {
    const born = { wallMs: startMs, monotonicMs: 0 };
    if (stored.expiredAtMs !== undefined) this.count(toMonotonicMs(stored.expiredAtMs, born));
    for (const image of images) {
      const known = stored.lastMonitorMs.get(image);
      const checkedMs = known === undefined ? undefined : toMonotonicMs(known, born);
      this.queue.put(image, checkedMs ?? Number.NEGATIVE_INFINITY);
      if (checkedMs !== undefined) this.count(checkedMs + recordedMsMax);
    }
  }

  count(atMs: number): void {
    this.memory = countChecks(this.memory, atMs);
  }

  begin(check: Flying): void {
    this.#flying.push(check);
    this.#flying.sort((left, right) => left.doneMs - right.doneMs);
  }

  /** Takes the next answer, if it comes by then or nobody else is in line; says when it came. */
  land(untilMs: number): number | undefined {
    const [next] = this.#flying;
    if (next === undefined || (next.doneMs > untilMs && this.queue.size > 0)) return undefined;
    this.#flying.shift();
    this.queue.put(next.image, next.beganMs);
    if (!this.#isMet) this.count(next.doneMs);
    this.#isMet = true;
    return next.doneMs;
  }
}

/** A simulated clock that waits for what each of its timers brings about. */
function steppedClock() {
  let nowMs = 0;
  let timer: { readonly dueMs: number; readonly callback: () => void } | undefined;
  const clock = new TimerHeap(
    () => nowMs,
    (delayMs, callback) => {
      const armed = { dueMs: nowMs + delayMs, callback };
      timer = armed;
      return () => {
        if (timer === armed) timer = undefined;
      };
    },
  );
  const advance = async (untilMs: number): Promise<void> => {
    while (timer !== undefined && timer.dueMs < untilMs) {
      const { dueMs, callback } = timer;
      timer = undefined;
      nowMs = dueMs;
      callback();
      await nextTurn();
    }
  };
  return { clock, advance };
}

/** Numbers from 0 to 1 that are the same in each run (a linear congruential generator). */
export function seededRandom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}

/** The most checks that any half-open window of an interval holds. */
export function mostInAnyWindow(sentMs: readonly number[], intervalMs: number): number {
  let most = 0;
  let first = 0;
  for (const [index, atMs] of sentMs.entries()) {
    // Clocks are fractions of a ms: what is a whole interval apart must not fall short by rounding.
    while (atMs - (sentMs[first] ?? atMs) >= intervalMs - 1e-6) first += 1;
    most = Math.max(most, index - first + 1);
  }
  return most;
}
