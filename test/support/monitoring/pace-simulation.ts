import { createPacer, type Pace, type Pacer, recordedMsMax } from '#core/monitoring/pace.ts';
import { toMonotonicMs } from '#core/monitoring/stored-time.ts';

/** One registry, watched by one leader after another. */
export interface PaceLoad {
  readonly pace: Pace;
  readonly images: number;
  readonly durationMs: number;
  /** In the order of time; at each the leader ends and the next begins. */
  readonly restarts: readonly Restart[];
  /** From 0 to 1. */
  readonly random: () => number;
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

/** What outlives a leader: statuses, and what the Lease says of its last crash. */
interface Stored {
  /** Whole seconds, as a status has them. */
  readonly lastMonitorMs: Map<string, number>;
  expiredAtMs: number | undefined;
}

interface Process {
  readonly pacer: Pacer;
  /** Its monotonic clock began then. */
  readonly bornMs: number;
}

/**
 * Plays the life of one registry's checks: each leader restores what is stored, takes turns, and
 * stores what it did a while later, unless it crashes before.
 */
export function simulatePace(load: PaceLoad): SeenChecks {
  const stored: Stored = { lastMonitorMs: new Map(), expiredAtMs: undefined };
  const sentMs: number[] = [];
  const byImage = new Map<string, number[]>();
  const images = Array.from({ length: load.images }, (_, index) => `image-${index}`);
  let startMs = 0;
  for (const restart of [...load.restarts, undefined]) {
    // One that falls into the time without a leader ends one that has hardly begun.
    const endMs = Math.max(startMs, restart?.atMs ?? load.durationMs);
    const process = begin({ load, stored, images, startMs });
    const recorded: { image: string; atMs: number; writtenMs: number }[] = [];
    const see = (image: string, atMs: number) => {
      sentMs.push(atMs);
      const times = byImage.get(image);
      if (times === undefined) byImage.set(image, [atMs]);
      else times.push(atMs);
      recorded.push({ image, atMs, writtenMs: atMs + load.random() * writtenAfterMsMax });
    };
    live({ process, load, endMs, startMs, see });
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

function begin({
  load,
  stored,
  images,
  startMs,
}: {
  readonly load: PaceLoad;
  readonly stored: Stored;
  readonly images: readonly string[];
  readonly startMs: number;
}): Process {
  const pacer = createPacer(load.pace);
  const now = { wallMs: startMs, monotonicMs: 0 };
  for (const image of images) {
    const lastMonitorMs = stored.lastMonitorMs.get(image);
    const checkedMs = lastMonitorMs === undefined ? undefined : toMonotonicMs(lastMonitorMs, now);
    pacer.add(image, checkedMs);
    if (checkedMs !== undefined) pacer.resume(checkedMs + recordedMsMax);
  }
  if (stored.expiredAtMs !== undefined) pacer.resume(toMonotonicMs(stored.expiredAtMs, now));
  return { pacer, bornMs: startMs };
}

/** Runs one leader to its end; answers come in while later turns are taken. */
function live({
  process: { pacer, bornMs },
  load,
  startMs,
  endMs,
  see,
}: {
  readonly process: Process;
  readonly load: PaceLoad;
  readonly startMs: number;
  readonly endMs: number;
  readonly see: (image: string, atMs: number) => void;
}): void {
  const flying: { image: string; beganMs: number; doneMs: number }[] = [];
  const land = (untilMs: number) => {
    while (flying[0] !== undefined && flying[0].doneMs <= untilMs) {
      const { image, beganMs } = flying.shift()!;
      pacer.answered();
      pacer.end(image, beganMs - bornMs);
    }
  };
  for (let nowMs = startMs; nowMs < endMs; ) {
    land(nowMs);
    const nextMs = pacer.nextMs();
    if (nextMs === undefined) {
      nowMs = flying[0]?.doneMs ?? endMs;
      continue;
    }
    nowMs = Math.max(nowMs, nextMs + bornMs);
    // Two clocks with fractions: what is due on one must not be a rounding early on the other.
    const image = nowMs < endMs ? pacer.take(Math.max(nextMs, nowMs - bornMs)) : undefined;
    nowMs += load.random() * secretsMsMax;
    if (image === undefined || nowMs >= endMs) return;
    pacer.begin(nowMs - bornMs);
    see(image, nowMs);
    flying.push({ image, beganMs: nowMs, doneMs: nowMs + load.random() * answerMsMax });
    flying.sort((left, right) => left.doneMs - right.doneMs);
  }
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
