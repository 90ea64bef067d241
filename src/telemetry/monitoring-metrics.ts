import { Histogram, type Registry } from 'prom-client';
import type { FinishedCheck, PaceView, RegistryPace } from '#core/monitoring/pace-view.ts';
import type { WorkloadAtRisk } from '#core/monitoring/workloads.ts';
import { subjectLabelsMax } from './bounded-label.ts';
import { type ImageMetricsOptions, imageMetrics } from './image-metrics.ts';
import { describe, type MetricName } from './metric-table.ts';
import { countBy } from './metrics.ts';
import { ScrapedMetrics, subjectLabel } from './scraped.ts';

/** What monitoring shows at each scrape; on a replica that does not lead all of it is empty. */
export interface MonitoringMetricsOptions extends ImageMetricsOptions {
  readonly pace: Pick<PaceView, 'registries' | 'roundMsOf'>;
  readonly workloads: () => Promise<readonly WorkloadAtRisk[]>;
}

/** From an answer out of a warm connection to a registry that hangs and a deadline that ends it. */
const checkBucketsSeconds = [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60];

/**
 * Registers the metrics of monitoring beside the others: most are computed at each scrape, the
 * answer counts a check as it ends.
 */
export function monitoringMetrics(
  registry: Registry,
  options: MonitoringMetricsOptions,
): (check: FinishedCheck) => void {
  const scrape = new ScrapedMetrics(registry);
  imageMetrics(scrape, options);
  showWorkloads(scrape, options);
  showPace(scrape, options);
  const count = countBy(registry, 'checks', { labels: ['result'] });
  const durations = new Histogram({
    ...describe(registry, 'checkDuration', []),
    buckets: checkBucketsSeconds,
  });
  const setQuota = showQuotas(scrape, options);
  return ({ registry: host, result, durationMs, quotaRemaining }) => {
    count(result);
    durations.observe(durationMs / 1_000);
    if (quotaRemaining !== undefined) setQuota(host, quotaRemaining);
  };
}

function showWorkloads(scrape: ScrapedMetrics, { workloads }: MonitoringMetricsOptions): void {
  // Found once a scrape, for both: the second takes its turn after the first.
  let all: readonly WorkloadAtRisk[] = [];
  scrape.gauge('workloadsAtRisk', ['namespace', 'kind', 'name', 'status'], async (gauge) => {
    all = await workloads();
    // Users choose these names: the first so many are told apart, the others counted together.
    for (const { namespace, kind, name, images } of all.slice(0, subjectLabelsMax)) {
      for (const { status } of images) gauge.inc({ namespace, kind, name, status }, 1);
    }
    const other = { namespace: 'other', kind: 'other', name: 'other' };
    for (const [status, count] of countStatuses(all.slice(subjectLabelsMax))) {
      gauge.set({ ...other, status }, count);
    }
  });
  scrape.gauge('workloads', ['status'], (gauge) => {
    for (const [status, count] of countWorkloads(all)) gauge.set({ status }, count);
    all = [];
  });
}

/** One that has images of several statuses counts once for each. */
function countWorkloads(workloads: readonly WorkloadAtRisk[]): ReadonlyMap<string, number> {
  const counts = new Map<string, number>();
  for (const { images } of workloads) {
    for (const status of new Set(images.map((image) => image.status))) {
      counts.set(status, (counts.get(status) ?? 0) + 1);
    }
  }
  return counts;
}

/** Counted first: to set a series costs many times what it takes to count an image. */
function countStatuses(workloads: readonly WorkloadAtRisk[]): ReadonlyMap<string, number> {
  const counts = new Map<string, number>();
  for (const { images } of workloads) {
    for (const { status } of images) counts.set(status, (counts.get(status) ?? 0) + 1);
  }
  return counts;
}

function showPace(
  scrape: ScrapedMetrics,
  { tracked, pace, isKept }: MonitoringMetricsOptions,
): void {
  const show = (metric: MetricName, read: (figures: RegistryPace) => number) =>
    scrape.gauge(metric, ['registry'], (gauge) => {
      // A sum for those beyond the bound.
      const registries = subjectLabel(isKept);
      for (const figures of pace.registries()) {
        gauge.inc({ registry: registries.name(figures.registry) }, read(figures));
      }
    });
  show('checkQueue', ({ queued }) => queued);
  show('checkLag', ({ lagMs }) => lagMs / 1_000);
  scrape.gauge('fullRound', ['name'], (gauge) => {
    for (const name of tracked.resources().slice(0, subjectLabelsMax)) {
      gauge.set({ name }, pace.roundMsOf(name) / 1_000);
    }
  });
}

/** The last word of each registry, as long as anything of it is checked. */
function showQuotas(
  scrape: ScrapedMetrics,
  { pace, isKept = () => false }: MonitoringMetricsOptions,
): (host: string, remaining: number) => void {
  const quotas = new Map<string, number>();
  scrape.gauge('quotaRemaining', ['registry'], (gauge) => {
    const checked = new Set(pace.registries().map((figures) => figures.registry));
    for (const [host, remaining] of quotas) {
      if (checked.has(host)) gauge.set({ registry: host }, remaining);
      else quotas.delete(host);
    }
  });
  return (host, remaining) => {
    const isShown = quotas.has(host) || isKept(host) || quotas.size < subjectLabelsMax;
    if (isShown) quotas.set(host, remaining);
  };
}
