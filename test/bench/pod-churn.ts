import { setTimeout as delay } from 'node:timers/promises';
import type { LoopDelay } from './event-loop.ts';
import { barred, type Row, told } from './figure-rows.ts';
import { startIdleLoop } from './idle-loop.ts';
import type { MonitoringStage } from './monitoring-stage.ts';

const podsReplacedPerSecond = 20;
/** As often as Prometheus usually scrapes, or a little oftener. */
const scrapeEveryMs = 10_000;

/** What is churned, and how the event loop is looked at. */
export interface ChurnMeans {
  readonly stage: Pick<MonitoringStage, 'replacePod' | 'requests'>;
  readonly take: () => Promise<LoopDelay>;
}

/** What a while of churn came to. */
export interface Churn {
  readonly asOften: boolean;
  readonly podsPerSecond: number;
  readonly checksPerSecond: number;
  /** The worst of all scrapes. */
  readonly own: LoopDelay;
  /** Of a process that does nothing. */
  readonly idle: LoopDelay;
}

/** Replaces Pods at a steady pace for so long. */
export async function churnPods({ stage, take }: ChurnMeans, forMs: number): Promise<Churn> {
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
    await stage.replacePod();
  }
  clearInterval(scraping);
  const tookMs = performance.now() - startedMs;
  await scrape();
  return {
    asOften: tookMs < forMs * 1.1,
    podsPerSecond: replaced / (tookMs / 1_000),
    checksPerSecond: (stage.requests() - requestsBefore) / (tookMs / 1_000),
    own: {
      p99Ms: Math.max(...scraped.map(({ p99Ms }) => p99Ms)),
      maxMs: Math.max(...scraped.map(({ maxMs }) => maxMs)),
    },
    idle: await idle.stop(),
  };
}

/** Its rows: whether it was as fast as it should be, and how long the event loop was held up. */
export function tellChurn({
  asOften,
  podsPerSecond,
  checksPerSecond,
  own,
  idle,
}: Churn): readonly Row[] {
  return [
    barred('Pods replaced meanwhile', `${podsPerSecond.toFixed(1)} a second`, {
      ...{ text: '20 a second', met: asOften },
    }),
    told('checks meanwhile', `${checksPerSecond.toFixed(1)} a second`),
    ...tellDelays(own, idle),
  ];
}

/** The rows of the event loop. */
export function tellDelays(own: LoopDelay, idle: LoopDelay): readonly Row[] {
  return [
    barred('event-loop delay p99, worst scrape', `${own.p99Ms.toFixed(1)} ms`, {
      ...{ text: '< 50 ms', met: own.p99Ms < 50 },
    }),
    told('  longest turn', `${own.maxMs.toFixed(0)} ms`),
    told('  of an idle process beside it, p99', `${idle.p99Ms.toFixed(1)} ms`),
    told('    longest turn', `${idle.maxMs.toFixed(0)} ms`),
  ];
}
