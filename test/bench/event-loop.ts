/** How long the event loop of a process was held up, ms. */
export interface LoopDelay {
  readonly p99Ms: number;
  readonly maxMs: number;
}

/**
 * What the process itself says of the time since the last scrape, which this one ends: prom-client
 * resets its monitor at each.
 */
export async function scrapeLoopDelay(metricsUrl: string): Promise<LoopDelay> {
  const text = await (await fetch(`${metricsUrl}/metrics`)).text();
  const secondsOf = (which: string) =>
    Number(new RegExp(`^nodejs_eventloop_lag_${which}_seconds (\\S+)$`, 'm').exec(text)?.[1]);
  return { p99Ms: secondsOf('p99') * 1_000, maxMs: secondsOf('max') * 1_000 };
}
