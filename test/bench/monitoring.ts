import { setTimeout as delay } from 'node:timers/promises';
import { untilReady } from '#test/support/eventually.ts';
import { residentBytes, residentBytesMax } from '#test/support/heap.ts';
import {
  type StatusWrite,
  type StatusWrites,
  watchStatusWrites,
} from '#test/support/status-writes.ts';
import { type LoopDelay, scrapeLoopDelay } from './event-loop.ts';
import { startIdleLoop } from './idle-loop.ts';
import { type MonitoringStage, setMonitoringStage } from './monitoring-stage.ts';
import { table } from './table.ts';

const podsReplacedPerSecond = 20;
/** As often as Prometheus usually scrapes, or a little oftener. */
const scrapeEveryMs = 10_000;
const megabyte = 1024 * 1024;
/** A watch tells of a write a little late, and not of each as late as of the one before. */
const watchJitterMs = 100;
/** The longest that anything here takes on two busy cores. */
const withinMs = 60_000;

/** Issue 6's bars on a real API server: 20,000 images of 10,000 Pods, by one resource. */
export async function run({ quick }: { readonly quick: boolean }): Promise<void> {
  const pods = quick ? 1_000 : 10_000;
  const startedMs = performance.now();
  const stage = await setMonitoringStage({ pods });
  const seconds = ((performance.now() - startedMs) / 1_000).toFixed(0);
  console.log(`${pods} Pods with ${2 * pods} images are there after ${seconds} s.`);
  const writes = await watchStatusWrites(stage.plane.adminKubeconfig, 'everything');
  try {
    const take = () => scrapeLoopDelay(stage.operator.metricsUrl);
    const means: Means = { stage, writes, take, images: 2 * pods };
    const built = await build(means);
    const churned = await churn(means, quick ? 10_000 : 30_000);
    const memory = await measureMemory(means);
    const handed = await handOver(means);
    const rows = [...built, ...churned, ...memory, ...handed, ...tellWrites(writes.all())];
    console.log(table([`${2 * pods} images`, 'measured', 'bar', ''], rows));
  } finally {
    await writes.close();
    await stage.close();
  }
}

interface Means {
  readonly stage: MonitoringStage;
  readonly writes: StatusWrites;
  readonly take: () => Promise<LoopDelay>;
  readonly images: number;
}

type Row = readonly string[];

/** The resource is there before the Lease is won: nothing is known of any image. */
async function build({ stage, writes, take, images }: Means): Promise<readonly Row[]> {
  await stage.depose(5);
  await stage.declare('everything');
  await take();
  const ledMs = await stage.leads();
  await untilReady('a check is sent', () => stage.requests() > 0, { withinMs, everyMs: 10 });
  const checkedMs = Date.now();
  const { maxMs } = await take();
  const whole = await untilReady(
    'the status counts all images',
    () => writes.all().find(({ status }) => status.imageCount === images),
    { withinMs },
  );
  const written = await take();
  return [
    told('built from nothing, Lease to first check', `${checkedMs - ledMs} ms`),
    told('  longest turn', `${maxMs.toFixed(0)} ms`),
    told('  Lease to a status that counts all', `${whole.atMs - ledMs} ms`),
    told('  longest turn while it is written', `${written.maxMs.toFixed(0)} ms`),
  ];
}

async function churn({ stage, take }: Means, forMs: number): Promise<readonly Row[]> {
  await take();
  const requestsBefore = stage.requests();
  const startedMs = performance.now();
  const scraped: LoopDelay[] = [];
  const idle = startIdleLoop();
  const scrape = () => take().then((delays) => scraped.push(delays));
  const scraping = setInterval(() => void scrape().catch(console.error), scrapeEveryMs);
  const replaced = (forMs / 1_000) * podsReplacedPerSecond;
  for (let index = 0; index < replaced; index += 1) {
    const dueMs = startedMs + (index / podsReplacedPerSecond) * 1_000;
    await delay(Math.max(0, dueMs - performance.now()));
    await stage.replacePod(index);
  }
  clearInterval(scraping);
  const tookMs = performance.now() - startedMs;
  await scrape();
  const beside = await idle.stop();
  const worstMs = Math.max(...scraped.map(({ p99Ms }) => p99Ms));
  const longestMs = Math.max(...scraped.map(({ maxMs }) => maxMs));
  const rate = `${(replaced / (tookMs / 1_000)).toFixed(1)} a second`;
  const checks = (stage.requests() - requestsBefore) / (tookMs / 1_000);
  return [
    barred('Pods replaced meanwhile', rate, { text: '20 a second', met: tookMs < forMs * 1.1 }),
    told('checks meanwhile', `${checks.toFixed(1)} a second`),
    barred('event-loop delay p99, worst scrape', `${worstMs.toFixed(1)} ms`, {
      ...{ text: '< 50 ms', met: worstMs < 50 },
    }),
    told('  longest turn', `${longestMs.toFixed(0)} ms`),
    told('  of an idle process beside it, p99', `${beside.p99Ms.toFixed(1)} ms`),
    told('    longest turn', `${beside.maxMs.toFixed(0)} ms`),
  ];
}

async function measureMemory({ stage }: Means): Promise<readonly Row[]> {
  const { pid } = stage.operator;
  const [rss, most] = [residentBytes(pid) / megabyte, residentBytesMax(pid) / megabyte];
  const inspector = await stage.inspect();
  await inspector.collectGarbage();
  const heap = (await inspector.heapBytes()) / megabyte;
  inspector.close();
  return [
    barred('heap after GC', `${heap.toFixed(0)} MB`, { text: '< 200 MB', met: heap < 200 }),
    barred('RSS', `${rss.toFixed(0)} MB`, { text: '< 480 MB', met: rss < 480 }),
    barred('  at its most', `${most.toFixed(0)} MB`, { text: '< 480 MB', met: most < 480 }),
  ];
}

/** All is torn down when another takes the Lease, and restored from what was written. */
async function handOver({ stage, take }: Means): Promise<readonly Row[]> {
  await take();
  await stage.depose(5);
  const down = await take();
  const ledMs = await stage.leads();
  const requests = stage.requests();
  await untilReady('checks go on', () => stage.requests() > requests, { withinMs, everyMs: 10 });
  const tookMs = Date.now() - ledMs;
  const up = await take();
  return [
    told('torn down, longest turn', `${down.maxMs.toFixed(0)} ms`),
    told('restored, Lease to next check', `${tookMs} ms`),
    told('  longest turn', `${up.maxMs.toFixed(0)} ms`),
  ];
}

/** Behaviour §6: no more often than every max(1 s, 10 ms × entries listed). */
function tellWrites(writes: readonly StatusWrite[]): readonly Row[] {
  const largest = Math.max(...writes.map(({ bytes }) => bytes)) / megabyte;
  const spare = writes.slice(1).map((write, index) => {
    const before = writes[index];
    const listed = before?.status.images?.length ?? 0;
    return write.atMs - (before?.atMs ?? 0) - Math.max(1_000, 10 * listed);
  });
  const least = Math.min(...spare);
  return [
    barred('largest status object', `${largest.toFixed(2)} MiB`, {
      ...{ text: '< 1 MiB', met: largest < 1 },
    }),
    barred(`${writes.length} status writes, least time beyond the pace`, `${least} ms`, {
      ...{ text: '>= 0 ms', met: least >= -watchJitterMs },
    }),
  ];
}

function told(what: string, measured: string): Row {
  return [what, measured, '', ''];
}

function barred(
  what: string,
  measured: string,
  { text, met }: { readonly text: string; readonly met: boolean },
): Row {
  return [what, measured, text, met ? 'met' : 'MISSED'];
}
