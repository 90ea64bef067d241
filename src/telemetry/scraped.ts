import { setImmediate as nextTurn } from 'node:timers/promises';
import { Gauge, type Registry } from 'prom-client';
import { BoundedLabel, describe, type MetricName, subjectLabelsMax } from './metrics.ts';

/** Runs one piece of work after another, each in a turn of the event loop of its own. */
export type InTurn = (work: () => void | Promise<void>) => Promise<void>;

/** A gauge that is computed at each scrape. */
export interface ScrapedOptions<T extends string> {
  readonly labels: T[];
  readonly fill: (gauge: Gauge<T>) => void | Promise<void>;
  /** Given where filling the gauge takes long. */
  readonly inTurn?: InTurn;
}

/** Reviews go in between, and two scrapes at once do not fill the same metric. */
export function oneATurn(): InTurn {
  let last: Promise<void> = Promise.resolve();
  return (work) => {
    const mine = last.then(() => nextTurn()).then(work);
    last = mine.catch(() => undefined);
    return mine;
  };
}

/** Label values of one scrape; what went since the last one takes no place. */
export function subjectLabel(): BoundedLabel {
  return new BoundedLabel(subjectLabelsMax);
}

/** Registers such a gauge: what is not set at a scrape is not shown by it. */
export function scraped<T extends string>(
  registry: Registry,
  metric: MetricName,
  { labels, fill, inTurn }: ScrapedOptions<T>,
): void {
  const refill = (gauge: Gauge<T>) => {
    gauge.reset();
    return fill(gauge);
  };
  new Gauge({
    ...describe(registry, metric, labels),
    collect() {
      return inTurn === undefined ? refill(this) : inTurn(() => refill(this));
    },
  });
}
