import { setImmediate as nextTurn } from 'node:timers/promises';
import { Gauge, type Registry } from 'prom-client';
import { BoundedLabel, subjectLabelsMax } from './bounded-label.ts';
import { describe, type MetricName } from './metric-table.ts';

/** Metrics that are computed at each scrape: what is not set by one is not shown by it. */
export class ScrapedMetrics {
  readonly registry: Registry;
  #last: Promise<void> = Promise.resolve();

  constructor(registry: Registry) {
    this.registry = registry;
  }

  gauge<T extends string>(
    metric: MetricName,
    labels: T[],
    fill: (gauge: Gauge<T>) => void | Promise<void>,
  ): void {
    const { inTurn } = this;
    new Gauge({
      ...describe(this.registry, metric, labels),
      collect() {
        return inTurn(() => {
          this.reset();
          return fill(this);
        });
      },
    });
  }

  /**
   * Runs one piece of work after another, each in a turn of the event loop of its own: reviews go in
   * between, and two scrapes at once do not fill the same metric.
   */
  readonly inTurn = (work: () => void | Promise<void>): Promise<void> => {
    const mine = this.#last.then(() => nextTurn()).then(work);
    this.#last = mine.catch(() => undefined);
    return mine;
  };
}

/** Label values of one scrape; what went since the last one takes no place. */
export function subjectLabel(isKept: (value: string) => boolean = () => false): BoundedLabel {
  return new BoundedLabel(subjectLabelsMax, { isKept });
}
