import { Histogram, type Registry } from 'prom-client';
import type { CopyOutcome } from '#core/mirroring/copy-outcome.ts';
import { forEachInTurns } from './in-turns.ts';
import { describe, type MetricName } from './metric-table.ts';
import { countBy, sumBy } from './metrics.ts';
import { ScrapedMetrics, subjectLabel } from './scraped.ts';

/** What mirroring shows at each scrape; on a replica that does not lead nothing waits. */
export interface MirroringMetricsOptions {
  readonly queues: () => Iterable<CopyQueue>;
  /** All copies of all resources, each with its mirror. */
  readonly copies: () => Iterable<ShownCopy>;
  /** Monotonic, ms: the clock of `CopyQueue`. */
  readonly now: () => number;
  /** Mirrors that are told apart whatever else there is: those of cluster-scoped resources. */
  readonly isKept?: (mirror: string) => boolean;
}

/** What waits for one mirror. */
export interface CopyQueue {
  /** `<registry>[/<path>]`. */
  readonly target: string;
  readonly waiting: number;
  /** Since when the copy waits that waits the longest; monotonic, ms. */
  readonly oldestMs?: number | undefined;
}

/** One copy as its resource tells of it. */
export interface ShownCopy {
  /** `<registry>[/<path>]`. */
  readonly mirror: string;
  readonly state: string;
}

/** One attempt that came to its end. */
export interface FinishedCopy {
  readonly target: string;
  readonly outcome: CopyOutcome;
  readonly durationMs: number;
}

/** What is counted as it happens. */
export interface MirroringMetrics {
  readonly copied: (copy: FinishedCopy) => void;
  /** `deleted`, or the word for why not. */
  readonly deleted: (target: string, result: string) => void;
  /** A copy stayed although it was to go with its resource. */
  readonly abandoned: (target: string) => void;
}

/** From an image that is there to one of many gigabytes over a slow line. */
const copyBucketsSeconds = [0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 900, 3600];

/** Registers the metrics of mirroring beside the others. */
export function mirroringMetrics(
  registry: Registry,
  options: MirroringMetricsOptions,
): MirroringMetrics {
  const { isKept = () => false } = options;
  const scrape = new ScrapedMetrics(registry);
  showQueues(scrape, options);
  showCopies(scrape, options);
  const count = countBy(registry, 'copies', { labels: ['mirror', 'result'], isKept });
  const addBytes = sumBy(registry, 'copiedBytes', { labels: ['mirror'], isKept });
  const durations = new Histogram({
    ...describe(registry, 'copyDuration', ['result']),
    buckets: copyBucketsSeconds,
  });
  return {
    copied: ({ target, outcome, durationMs }) => {
      const result = resultOf(outcome);
      count(target, result);
      if (outcome.kind === 'copied') addBytes(outcome.bytes, target);
      const kind = outcome.kind === 'copied' ? result : 'failed';
      durations.observe({ result: kind }, durationMs / 1_000);
    },
    deleted: countBy(registry, 'deletions', { labels: ['mirror', 'result'], isKept }),
    abandoned: countBy(registry, 'abandonedCopies', { labels: ['mirror'], isKept }),
  };
}

function resultOf(outcome: CopyOutcome): string {
  if (outcome.kind === 'failed') return outcome.reason;
  return outcome.found ? 'found' : 'copied';
}

function showCopies(scrape: ScrapedMetrics, { copies, isKept }: MirroringMetricsOptions): void {
  scrape.gauge('mirroredImages', ['mirror', 'state'], async (gauge) => {
    const counts = new Map<string, number>();
    const mirrors = subjectLabel(isKept);
    await forEachInTurns(copies(), (copy) => {
      const key = `${copy.state} ${mirrors.name(copy.mirror)}`;
      counts.set(key, (counts.get(key) ?? 0) + 1);
    });
    for (const [key, count] of counts) {
      const [state = '', mirror = ''] = key.split(' ');
      gauge.set({ mirror, state }, count);
    }
  });
}

function showQueues(
  scrape: ScrapedMetrics,
  { queues, now, isKept }: MirroringMetricsOptions,
): void {
  type Fold = (sum: number, value: number) => number;
  const show = (metric: MetricName, read: (queue: CopyQueue) => number, fold: Fold) =>
    scrape.gauge(metric, ['mirror'], (gauge) => {
      const figures = new Map<string, number>();
      const mirrors = subjectLabel(isKept);
      for (const queue of queues()) {
        const mirror = mirrors.name(queue.target);
        figures.set(mirror, fold(figures.get(mirror) ?? 0, read(queue)));
      }
      for (const [mirror, value] of figures) gauge.set({ mirror }, value);
    });
  const ageOf = ({ oldestMs }: CopyQueue) =>
    oldestMs === undefined ? 0 : Math.max(0, now() - oldestMs) / 1_000;
  // Beyond the bound lengths are summed; of ages the largest counts.
  show(
    'copyQueue',
    ({ waiting }) => waiting,
    (sum, value) => sum + value,
  );
  show('copyQueueAge', ageOf, Math.max);
}
