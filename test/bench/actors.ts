import { type AnyStateMachine, assign, createActor, fromPromise, setup } from 'xstate';
import { supervise } from '#actors/supervisor.ts';
import { TimerHeap } from '#actors/timer-heap.ts';
import type { TrackedImage } from '#core/monitoring/tracked-image.ts';
import type { CheckOutcome } from '#core/monitoring/verdict.ts';
import { effect } from '#machines/effect.ts';
import { type CheckImageInput, trackedImageMachine } from '#machines/tracked-image.ts';
import { createLog } from '#telemetry/log.ts';
import { createMetrics } from '#telemetry/metrics.ts';
import { collectGarbage } from '#test/support/processes/garbage.ts';
import { ratio, table } from './table.ts';

const images = 100_000;
const cycles = 20_000;
const atOnce = 25;
const lookups = 1_000_000;

/** What one machine costs, a hundred thousand times over. */
interface Cost {
  readonly bytes: number;
  readonly spawnsPerSecond: number;
  readonly cyclesPerSecond: number;
  readonly lookupsPerSecond: number;
}

/** A hundred thousand tracked images in one process, beside a flat machine in the same place. */
export async function run(): Promise<void> {
  const verdict: CheckOutcome = { kind: 'verdict', status: 'Available', atMs: 1 };
  const check = fromPromise<CheckOutcome, CheckImageInput>(async () => verdict);
  const flat = await measure(flatMachine.provide({ actors: { check } }));
  const tracked = await measure(trackedImageMachine.provide({ actors: { checkImage: check } }));
  const rows = [
    row('memory an image, bytes', tracked.bytes, flat.bytes),
    row('started a second', tracked.spawnsPerSecond, flat.spawnsPerSecond),
    row('check cycles a second', tracked.cyclesPerSecond, flat.cyclesPerSecond),
    row('look-ups a second', tracked.lookupsPerSecond, flat.lookupsPerSecond),
  ];
  console.log(table([`${images} actors`, 'tracked-image', 'flat machine', 'ratio'], rows));
}

const input = { resource: 'all', image: 'app' };

/** As few states as a check can have, and one field. */
const flatMachine = setup({
  types: {
    input: {} as { readonly tracked: TrackedImage },
    context: {} as { readonly tracked: TrackedImage },
    events: {} as { type: 'check.due' },
  },
  actors: { check: effect<CheckOutcome, CheckImageInput>('check') },
  actions: { learn: assign(({ context }) => ({ tracked: { ...context.tracked } })) },
}).createMachine({
  id: 'flat',
  context: ({ input }) => ({ tracked: input.tracked }),
  initial: 'Scheduled',
  states: {
    Scheduled: { on: { 'check.due': 'Checking' } },
    Checking: {
      invoke: { src: 'check', input, onDone: { target: 'Available', actions: 'learn' } },
    },
    Available: { on: { 'check.due': 'Checking' } },
  },
});

async function measure(logic: AnyStateMachine): Promise<Cost> {
  const clock = new TimerHeap();
  const runtime = {
    clock,
    log: createLog({ level: 'silent', format: 'json' }),
    metrics: createMetrics({ build: { version: '1' } }),
    ...{ now: Date.now, random: Math.random },
  };
  const root = createActor(supervise(runtime, { type: 'image', logic, policy: 'object' }), {
    clock,
  }).start();
  const before = heapBytes();
  const spawnMs = timed(() => {
    for (let index = 0; index < images; index += 1) {
      const key = keyOf(index);
      root.send({ type: 'child.add', key, input: { tracked: trackedImage(key) } });
    }
  });
  const bytes = (heapBytes() - before) / images;
  const { children } = root.getSnapshot();
  // The first cycles are for the compiler.
  await check(2_000, (index) => children.get(keyOf(index))?.send({ type: 'check.due' }));
  const cycleMs = await check(cycles, (index) =>
    children.get(keyOf(index))?.send({ type: 'check.due' }),
  );
  let found = 0;
  const lookupMs = timed(() => {
    for (let index = 0; index < lookups; index += 1) {
      const key = keyOf((index * 7_919) % images);
      if (children.get(key)?.getSnapshot().status === 'active') found += 1;
    }
  });
  if (found !== lookups) throw new Error(`Expected all ${lookups} look-ups to find, got ${found}.`);
  root.stop();
  clock.close();
  const perSecond = (count: number, ms: number) => (count / ms) * 1_000;
  return {
    bytes,
    spawnsPerSecond: perSecond(images, spawnMs),
    cyclesPerSecond: perSecond(cycles, cycleMs),
    lookupsPerSecond: perSecond(lookups, lookupMs),
  };
}

/** Cycles, so many in flight at a time; ms for all of them. */
async function check(count: number, start: (index: number) => void): Promise<number> {
  const startedMs = performance.now();
  for (let index = 0; index < count; index += 1) {
    start((index * 37) % images);
    if (index % atOnce === atOnce - 1) await new Promise((resolve) => setImmediate(resolve));
  }
  return performance.now() - startedMs;
}

function keyOf(index: number): string {
  return `all/registry-${index % 40}.example.com/team-${index % 25}/app-${index}:v1`;
}

function trackedImage(image: string): TrackedImage {
  return {
    ...{ resource: 'all', image, registry: 'registry.example.com' },
    ...{ status: 'Scheduled', original: true },
  };
}

function timed(work: () => void): number {
  const startedMs = performance.now();
  work();
  return performance.now() - startedMs;
}

function heapBytes(): number {
  collectGarbage();
  return process.memoryUsage().heapUsed;
}

function row(what: string, value: number, baseline: number): string[] {
  return [what, value.toFixed(0), baseline.toFixed(0), ratio(value, baseline)];
}
