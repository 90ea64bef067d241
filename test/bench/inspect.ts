import { setImmediate as nextTurn } from 'node:timers/promises';
import { fromPromise } from 'xstate';
import { createActorView } from '#actors/actor-view.ts';
import { createInspection } from '#actors/inspection/inspection.ts';
import type { Runtime } from '#actors/runtime.ts';
import { supervise } from '#actors/supervisor.ts';
import { KuikSystem } from '#actors/system.ts';
import { TimerHeap } from '#actors/timer-heap.ts';
import type { TrackedImage } from '#core/monitoring/tracked-image.ts';
import type { CheckOutcome } from '#core/monitoring/verdict.ts';
import { buildDebugApp } from '#http/debug.ts';
import { listen } from '#http/listen.ts';
import { type CheckImageInput, trackedImageMachine } from '#machines/tracked-image.ts';
import { createLog } from '#telemetry/log.ts';
import { createMetrics } from '#telemetry/metrics.ts';
import { collectGarbage } from '#test/support/processes/garbage.ts';
import { startLooking } from './looking-people.ts';
import { percentile, table } from './table.ts';

/** Each figure is the median of so many pairs, one after the other: with viewers, and without. */
const pairs = 7;
const imagesUsual = 10_000;
const cyclesUsual = 30_000;
const atOnce = 25;
/** What a viewer may cost of the rate at which actors take events. */
const lossMax = 0.15;

/** One way to watch, and what happens meanwhile. */
interface Watching {
  readonly what: string;
  /** Queries of `/debug/inspect`, one for each viewer. */
  readonly viewers: readonly string[];
  /** Times the usual number: one actor alone takes its events ten times as fast as all of them. */
  readonly times?: number;
  /** Which image is checked in a cycle. */
  readonly checked: (cycle: number, images: number) => number;
  /** People who search all actors, one question after the other. */
  readonly searchers?: number;
  readonly hasBar?: boolean;
}

const everywhere = (cycle: number, images: number) => (cycle * 37) % images;
const one = 'actor=tracked-image:image-0';

const watchings: readonly Watching[] = [
  { what: 'one actor of all', viewers: [one], checked: everywhere, hasBar: true },
  {
    ...{ what: 'one actor that takes every event', viewers: [one], checked: () => 0 },
    ...{ times: 10, hasBar: true },
  },
  { what: 'all of a type', viewers: ['type=tracked-image'], checked: everywhere },
  { what: 'ten on everything', viewers: Array(10).fill('actor=kuik'), checked: everywhere },
  {
    what: 'ten on everything, ten who search',
    ...{ viewers: Array(10).fill('actor=kuik'), checked: everywhere, searchers: 10 },
  },
];

/** What viewers cost: the rate at which actors take events, with them and without. */
export async function run({ quick }: { readonly quick: boolean }): Promise<void> {
  const images = quick ? imagesUsual / 10 : imagesUsual;
  const stage = await startStage(images);
  await stage.check(cyclesUsual / 4, everywhere);
  const rows: string[][] = [];
  for (const watching of watchings) {
    const cycles = (cyclesUsual * (watching.times ?? 1)) / (quick ? 10 : 1);
    rows.push(await measure(stage, watching, cycles));
  }
  await stage.stop();
  const columns = [
    'watched',
    'events/s',
    'without',
    'change',
    'frames',
    'longest turn ms',
    'heap MB',
  ];
  console.log(table([...columns, 'bar'], rows));
}

type Stage = Awaited<ReturnType<typeof startStage>>;

async function measure(stage: Stage, watching: Watching, cycles: number): Promise<string[]> {
  const runs: Pair[] = [];
  for (let pair = 0; pair < pairs; pair += 1) {
    // Who is first is the other one in turn: what a run leaves to the next is fair to both.
    const first = pair % 2 === 0;
    const before = first ? await plain(stage, watching, cycles) : undefined;
    const watched = await withViewers(stage, watching, cycles);
    const without = before ?? (await plain(stage, watching, cycles));
    const change = watched.rate / without.rate - 1;
    runs.push({ ...watched, without, change, cpuChange: watched.cpuRate / without.cpuRate - 1 });
  }
  const median = (of: (pair: Pair) => number) =>
    percentile(
      runs.map(of).toSorted((left, right) => left - right),
      0.5,
    );
  const change = median((pair) => pair.change);
  const bar = watching.hasBar
    ? `${change > -lossMax ? 'met' : 'MISSED'}: at most ${lossMax * 100} % less`
    : '';
  return [
    watching.what,
    median(({ rate }) => rate).toFixed(0),
    median(({ without }) => without.rate).toFixed(0),
    percent(change),
    percent(median(({ cpuChange }) => cpuChange)),
    median(({ frames }) => frames).toFixed(0),
    median(({ longestMs }) => longestMs).toFixed(0),
    median(({ heapMb }) => heapMb).toFixed(0),
    bar,
  ];
}

function percent(share: number): string {
  return `${(share * 100).toFixed(1)} %`;
}

/** What one run came to. */
interface Run {
  /** Events that actors took in a second of the wall clock. */
  readonly rate: number;
  /** In a second of the thread's own CPU time: others that use the machine do not change it. */
  readonly cpuRate: number;
  readonly longestMs: number;
}

interface Watched extends Run {
  readonly frames: number;
  readonly heapMb: number;
}

interface Pair extends Watched {
  readonly without: Run;
  readonly change: number;
  readonly cpuChange: number;
}

async function plain(stage: Stage, { checked }: Watching, cycles: number): Promise<Run> {
  return await stage.check(cycles, checked);
}

async function withViewers(
  stage: Stage,
  { viewers, checked, searchers = 0 }: Watching,
  cycles: number,
): Promise<Watched> {
  const people = await startLooking({
    viewers: viewers.map((query) => `${stage.url}?${query}`),
    ...{ searchers, searchUrl: stage.searchUrl },
  });
  const ran = await stage.check(cycles, checked);
  const frames = await people.stop();
  collectGarbage();
  return { ...ran, frames, heapMb: process.memoryUsage().heapUsed / 2 ** 20 };
}

async function startStage(images: number) {
  const runtime: Runtime = {
    clock: new TimerHeap(),
    log: createLog({ level: 'warn', format: 'json' }),
    metrics: createMetrics({ build: { version: '1' } }),
    ...{ now: Date.now, random: Math.random },
  };
  const verdict: CheckOutcome = { kind: 'verdict', status: 'Available', atMs: 1 };
  const checkImage = fromPromise<CheckOutcome, CheckImageInput>(async () => verdict);
  const logic = trackedImageMachine.provide({ actors: { checkImage } });
  const system = new KuikSystem(runtime);
  const options = { type: 'tracked-image', logic, policy: 'object' } as const;
  system.always({ id: 'tracked-images', logic: supervise(runtime, options) });
  system.start();
  const supervisor = system.find('tracked-images');
  for (let index = 0; index < images; index += 1) {
    const key = `image-${index}`;
    supervisor?.send({ type: 'child.add', key, input: { tracked: trackedImage(key) } });
  }
  const app = buildDebugApp(portsOf(system), { address: '127.0.0.1', hosts: [] });
  const listener = await listen(app, { port: 0, host: '127.0.0.1' });
  const address = `127.0.0.1:${listener.port}/debug`;
  const actors = Array.from({ length: images }, (_, index) =>
    system.root.system.get(`tracked-image:image-${index}`),
  );
  let events = 0;
  system.root.system.inspect(({ type }) => {
    if (type === '@xstate.event') events += 1;
  });
  const check = async (cycles: number, checked: Watching['checked']): Promise<Run> => {
    const [startedMs, before] = [performance.now(), events];
    const cpuBefore = process.threadCpuUsage();
    let [longestMs, lastMs] = [0, startedMs];
    for (let cycle = 0; cycle < cycles; cycle += 1) {
      actors[checked(cycle, images)].send({ type: 'check.due' });
      if (cycle % atOnce !== atOnce - 1) continue;
      await nextTurn();
      const nowMs = performance.now();
      longestMs = Math.max(longestMs, nowMs - lastMs);
      lastMs = nowMs;
    }
    const taken = events - before;
    const { user, system: kernel } = process.threadCpuUsage(cpuBefore);
    const rate = (taken / (performance.now() - startedMs)) * 1_000;
    return { rate, cpuRate: (taken / (user + kernel)) * 1_000_000, longestMs };
  };
  const stop = async () => {
    await listener.close();
    system.stop();
    runtime.clock.close();
  };
  return { check, stop, url: `ws://${address}/inspect`, searchUrl: `http://${address}/actors` };
}

function portsOf(system: KuikSystem) {
  const nothing = async (): Promise<never> => {
    throw new Error('Nobody asks this here.');
  };
  return {
    actors: createActorView(system),
    machines: { list: () => [], get: () => undefined },
    ...{ explain: nothing, whatIf: nothing, plan: nothing, namespaceExists: nothing },
    inspection: createInspection(system),
    ...{ access: nothing, replica: 'bench', log: system.runtime.log },
  };
}

function trackedImage(image: string): TrackedImage {
  return {
    ...{ resource: 'all', image, registry: 'registry.example.com' },
    ...{ status: 'Scheduled', original: true },
  };
}
