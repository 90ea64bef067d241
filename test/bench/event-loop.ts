import type { Inspector } from '#test/support/inspector.ts';
import { metricAt } from '#test/support/process-use.ts';

/** How long the event loop of a process was held up, ms. */
export interface LoopDelay {
  readonly p99Ms: number;
  readonly maxMs: number;
}

/** Looks each so many ms; an idle loop shows this, too. */
const resolutionMs = 10;

/** Measures the event loop of another process; `take` answers for the time since the last one. */
export async function watchEventLoop(
  inspector: Inspector,
): Promise<{ readonly take: () => Promise<LoopDelay> }> {
  await inspector.evaluate(`
    globalThis.benchLoop = process.getBuiltinModule('node:perf_hooks')
      .monitorEventLoopDelay({ resolution: ${resolutionMs} });
    benchLoop.enable();`);
  const take = async () =>
    (await inspector.evaluate(`(() => {
      const delay = { p99Ms: benchLoop.percentile(99) / 1e6, maxMs: benchLoop.max / 1e6 };
      benchLoop.reset();
      return delay;
    })()`)) as LoopDelay;
  return { take };
}

/** The same as a process says it of the time since the last scrape, which this is one of. */
export async function scrapeLoopP99Ms(metricsUrl: string): Promise<number> {
  return (await metricAt(metricsUrl, 'nodejs_eventloop_lag_p99_seconds')) * 1_000;
}
