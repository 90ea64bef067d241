import { collectDefaultMetrics, Gauge, type Registry } from 'prom-client';

/**
 * How often the event loop is looked at, ms. Each look wakes the process: a hundred a second, as is
 * usual, are half of what an idle operator uses.
 */
export const loopResolutionMs = 100;

/** What is told of the looks; the rest of their kind is no delay. */
const delays = ['min', 'max', 'mean', 'p50', 'p90', 'p99'] as const;

/**
 * Registers what is told of any process. Of the event loop that is how late a look came: the time
 * between two looks, which prom-client tells, would be the resolution of a loop that is idle.
 */
export function collectProcessMetrics(registry: Registry): void {
  collectDefaultMetrics({ register: registry, eventLoopMonitoringPrecision: loopResolutionMs });
  for (const which of delays) tellLateness(registry, `nodejs_eventloop_lag_${which}_seconds`);
}

function tellLateness(registry: Registry, name: string): void {
  const gauge = registry.getSingleMetric(name);
  if (!(gauge instanceof Gauge)) throw new Error(`Expected prom-client to have ${name}.`);
  const set = gauge.set.bind(gauge) as SetLabelled;
  const setLateness: SetLabelled = (labels, seconds) =>
    set(labels, Math.max(0, seconds - loopResolutionMs / 1_000));
  Object.assign(gauge, { set: setLateness });
}

/** The one of its two forms that prom-client itself uses. */
type SetLabelled = (labels: object, seconds: number) => void;
