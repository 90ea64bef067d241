import { setTimeout as delay } from 'node:timers/promises';
import { eventually } from '#test/support/time/eventually.ts';
import { type ChurnCounts, removePod, startChurn } from './churn.ts';
import {
  copiesMissed,
  listedCopies,
  nameOf,
  taggedCopies,
  unknownTags,
  unsoundCopies,
} from './mirror-checks.ts';
import { type MirroringStage, setMirroringStage } from './mirroring-stage.ts';
import { createFigures, type SoakFigures } from './soak-figures.ts';

/** What may never be. */
interface Violations {
  readonly unsound: string[];
  readonly unknown: string[];
  /** A copy that a Pod runs from, gone for longer than it takes to copy it again. */
  readonly missed: string[];
}

const seed = 20_261_128;
const lookEveryMs = 15_000;
/** Tags that are read back whole at each look. */
const readBackATime = 12;
/** A copy that somebody took away is back by then, outages included. */
const missedForMs = 60_000;
/** The longest backoff that a few failures lead to. */
const settledWithinMs = 180_000;
/** The retention, the 30 s between the two phases, and a few tries. */
const goneWithinMs = 240_000;
const megabyte = 1024 * 1024;

/** Churn of Pods and images, outages and restarts on a real API server; true when all held. */
export async function run({ minutes }: { readonly minutes: number }): Promise<boolean> {
  const stage = await setMirroringStage(seed);
  try {
    const figures = createFigures(stage);
    const violations: Violations = { unsound: [], unknown: [], missed: [] };
    const churn = startChurn(stage);
    const startedMs = performance.now();
    const seen: SoakFigures[] = [];
    const missing = new Map<string, number>();
    while (performance.now() - startedMs < minutes * 60_000) {
      await delay(lookEveryMs);
      await look(stage, violations, missing);
      const now = await figures.take().catch(() => undefined);
      if (now === undefined) continue;
      seen.push(now);
      const atS = Math.round((performance.now() - startedMs) / 1_000);
      console.log(`${atS} s: ${await tell(stage, now, churn.pods().length)}`);
    }
    await churn.stop();
    stage.behave(true);
    const settled = await settles(stage);
    await look(stage, violations, missing, Number.POSITIVE_INFINITY);
    for (const pod of churn.pods()) await removePod(stage, pod);
    const cleared = await clears(stage);
    const last = await figures.take();
    return verdict({
      stage,
      violations,
      counts: churn.counts,
      seen: [...seen, last],
      settled,
      cleared,
    });
  } finally {
    await stage.close();
  }
}

async function look(
  stage: MirroringStage,
  violations: Violations,
  missing: Map<string, number>,
  readBack = readBackATime,
): Promise<void> {
  violations.unknown.push(...(await unknownTags(stage)));
  const copies = (await taggedCopies(stage)).map((copy) => ({ copy, at: stage.random() }));
  const some = copies.sort((one, other) => one.at - other.at).slice(0, readBack);
  violations.unsound.push(...(await unsoundCopies(some.map(({ copy }) => copy))));
  const missed = new Set(await copiesMissed(stage));
  for (const image of missing.keys()) if (!missed.has(image)) missing.delete(image);
  for (const image of missed) {
    const sinceMs = missing.get(image) ?? performance.now();
    missing.set(image, sinceMs);
    if (performance.now() - sinceMs < missedForMs) continue;
    violations.missed.push(image);
    missing.delete(image);
  }
}

/** All that Pods use is there, and said to be. */
async function settles(stage: MirroringStage): Promise<string> {
  const startedMs = performance.now();
  const wrong = async () =>
    [...(await listedCopies(stage))].filter(
      ([, state]) => !/^(Available|Unused|Expired)$/.test(state),
    );
  try {
    await eventually('all copies are there', async () => (await wrong()).length === 0, {
      ...{ withinMs: settledWithinMs, everyMs: 1_000 },
    });
    return `${((performance.now() - startedMs) / 1_000).toFixed(0)} s`;
  } catch {
    return `never: ${JSON.stringify((await wrong()).slice(0, 10))}`;
  }
}

/** Nobody uses anything: after the retention nothing is left, in the registries or in the statuses. */
async function clears(stage: MirroringStage): Promise<string> {
  const startedMs = performance.now();
  const left = async () => [
    ...(await taggedCopies(stage)).map(nameOf),
    ...(await listedCopies(stage)).keys(),
  ];
  try {
    await eventually('all copies are gone', async () => (await left()).length === 0, {
      ...{ withinMs: goneWithinMs, everyMs: 2_000 },
    });
    return `${((performance.now() - startedMs) / 1_000).toFixed(0)} s`;
  } catch {
    return `never: ${JSON.stringify((await left()).slice(0, 10))}`;
  }
}

async function tell(stage: MirroringStage, now: SoakFigures, pods: number): Promise<string> {
  const states = Map.groupBy((await listedCopies(stage)).values(), (state) => state);
  const copies = [...states].map(([state, { length }]) => `${length} ${state}`).sort();
  return [
    `${pods} Pods`,
    `copies: ${copies.join(', ')}`,
    `made ${JSON.stringify(now.copies)}`,
    `deleted ${JSON.stringify(now.deletions)}`,
    `RSS ${(now.rssBytes / megabyte).toFixed(0)} MB`,
    `heap ${(now.heapBytes / megabyte).toFixed(0)} MB`,
    `loop p99 ${now.loopP99Ms.toFixed(0)} ms, longest ${now.loopMaxMs.toFixed(0)} ms`,
  ].join(' | ');
}

function verdict(of: {
  readonly stage: MirroringStage;
  readonly violations: Violations;
  readonly counts: ChurnCounts;
  readonly seen: readonly SoakFigures[];
  readonly settled: string;
  readonly cleared: string;
}): boolean {
  const { stage, violations, counts, seen, settled, cleared } = of;
  const troubles = stage.troubles();
  const requests = (registries: MirroringStage['sources']) =>
    registries.map(({ front }) => front.requests().length).join(' + ');
  const most = (of: (figures: SoakFigures) => number) => Math.max(...seen.map(of));
  console.log(`\n${JSON.stringify(counts)}`);
  console.log(
    `requests at the sources ${requests(stage.sources)}, at the targets ${requests(stage.targets)}`,
  );
  console.log(`RSS at most ${(most(({ rssBytes }) => rssBytes) / megabyte).toFixed(0)} MB`);
  console.log(`loop p99 at most ${most(({ loopP99Ms }) => loopP99Ms).toFixed(0)} ms`);
  console.log(`all there after the last outage: ${settled}`);
  console.log(`all gone after the last Pod: ${cleared}`);
  const bars: readonly (readonly [string, readonly string[]])[] = [
    ['tagged, and not what its digest says', violations.unsound],
    ['tagged, and known to no status', violations.unknown],
    [`missed by a Pod for ${missedForMs / 1_000} s`, violations.missed],
    ['errors and crashes in the log', troubles],
    ['never settled', settled.startsWith('never') ? [settled] : []],
    ['never cleared', cleared.startsWith('never') ? [cleared] : []],
  ];
  for (const [what, found] of bars) {
    console.log(`${found.length === 0 ? 'held' : 'BROKEN'}: ${what}: ${found.length}`);
    for (const line of found.slice(0, 5)) console.log(`  ${line.slice(0, 400)}`);
  }
  return bars.every(([, found]) => found.length === 0);
}
