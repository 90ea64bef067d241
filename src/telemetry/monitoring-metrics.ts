import { setImmediate as nextTurn } from 'node:timers/promises';
import { Gauge, Histogram, type Registry } from 'prom-client';
import type { TrackedImages } from '#core/monitoring/tracked-image.ts';
import type { WorkloadAtRisk } from '#core/monitoring/workloads.ts';
import { type AgeBuckets, ageBounds } from './age-buckets.ts';
import { BoundedLabel, countBy, describe, type MetricName, subjectLabelsMax } from './metrics.ts';

/** How one registry's checks keep up. */
export interface RegistryPaceFigures {
  readonly registry: string;
  /** Images that wait for their turn. */
  readonly queued: number;
  /** How long the next check has been overdue; 0 while the pace is kept. */
  readonly lagMs: number;
}

/** The pace of all checks, as far as metrics show it. */
export interface PaceFigures {
  readonly registries: () => readonly RegistryPaceFigures[];
  /** How long one full round of a resource takes at the configured pace. */
  readonly roundMsOf: (resource: string) => number;
}

/** One check that came to an end. */
export interface CheckFigures {
  readonly registry: string;
  /** What it came to, a `MonitoredStatus`. */
  readonly result: string;
  readonly durationMs: number;
  /** What the registry said is left of the quota, where it did. */
  readonly quotaRemaining?: number;
}

/** What monitoring shows at each scrape; on a replica that does not lead all of it is empty. */
export interface MonitoringMetricsOptions {
  readonly tracked: Pick<TrackedImages, 'resources' | 'imagesOf'>;
  readonly pace: PaceFigures;
  readonly workloads: () => readonly WorkloadAtRisk[];
  /** `metrics.imageLastMonitorAgeMinutes.legacy`. */
  readonly ageBuckets: AgeBuckets;
  /** Wall time in ms. */
  readonly now: () => number;
}

/** What is counted as it happens; the rest is computed at each scrape. */
export interface MonitoringMetrics {
  readonly check: (check: CheckFigures) => void;
}

/** From an answer out of a warm connection to a registry that hangs and a deadline that ends it. */
const checkBucketsSeconds = [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60];
const minuteMs = 60_000;

/** Registers the metrics of monitoring beside the others. */
export function monitoringMetrics(
  registry: Registry,
  options: MonitoringMetricsOptions,
): MonitoringMetrics {
  const inTurn = oneATurn();
  showImages(registry, options, inTurn);
  showAges(registry, options, inTurn);
  showWorkloads(registry, options, inTurn);
  showPace(registry, options);
  showRounds(registry, options);
  const count = countBy(registry, 'checks', 'result');
  const durations = new Histogram({
    ...describe(registry, 'checkDuration', []),
    buckets: checkBucketsSeconds,
  });
  const setQuota = showQuotas(registry, options.pace);
  return {
    check: (check) => {
      count(check.result);
      durations.observe(check.durationMs / 1_000);
      if (check.quotaRemaining !== undefined) setQuota(check.registry, check.quotaRemaining);
    },
  };
}

type InTurn = (work: () => void) => Promise<void>;

/** Runs one after the other, each in a turn of the event loop of its own: reviews go in between. */
function oneATurn(): InTurn {
  let last: Promise<void> = Promise.resolve();
  return (work) => {
    const mine = last.then(() => nextTurn()).then(work);
    last = mine.catch(() => undefined);
    return mine;
  };
}

/** Label values of one scrape; what went since the last one takes no place. */
function subjectLabel(): BoundedLabel {
  return new BoundedLabel(subjectLabelsMax);
}

/** A gauge that is computed at each scrape: what is not set then is not shown. */
function scraped<T extends string>(
  registry: Registry,
  metric: MetricName,
  given: {
    readonly labels: T[];
    readonly fill: (gauge: Gauge<T>) => void;
    /** Given where to fill it takes long. */
    readonly inTurn?: InTurn;
  },
): void {
  const refill = (gauge: Gauge<T>) => {
    gauge.reset();
    given.fill(gauge);
  };
  new Gauge({
    ...describe(registry, metric, given.labels),
    collect() {
      return given.inTurn === undefined ? refill(this) : given.inTurn(() => refill(this));
    },
  });
}

interface ImageLabels
  extends Record<'name' | 'registry' | 'status' | 'used' | 'original', string> {}

function showImages(
  registry: Registry,
  { tracked }: MonitoringMetricsOptions,
  inTurn: InTurn,
): void {
  const labels = ['name', 'registry', 'status', 'used', 'original'] satisfies (keyof ImageLabels)[];
  scraped(registry, 'images', {
    ...{ labels, inTurn },
    fill: (gauge) => {
      for (const { labels: series, count } of countImages(tracked)) gauge.set(series, count);
    },
  });
}

/** Counted first: to set a series costs many times what it takes to count an image. */
function countImages(
  tracked: MonitoringMetricsOptions['tracked'],
): Iterable<{ readonly labels: ImageLabels; readonly count: number }> {
  const series = new Map<string, { labels: ImageLabels; count: number }>();
  const [names, registries] = [subjectLabel(), subjectLabel()];
  for (const resource of tracked.resources()) {
    const name = names.name(resource);
    for (const { registry: host, status, original, unusedSinceMs } of tracked.imagesOf(resource)) {
      const registry = registries.name(host);
      const used = unusedSinceMs === undefined;
      const key = `${name} ${registry} ${status} ${used} ${original}`;
      const known = series.get(key);
      if (known !== undefined) known.count += 1;
      else {
        const labels = { name, registry, status, used: `${used}`, original: `${original}` };
        series.set(key, { labels, count: 1 });
      }
    }
  }
  return series.values();
}

/** Over all images at each scrape, as kuik v2 does: it is a distribution of now, not of events. */
function showAges(registry: Registry, options: MonitoringMetricsOptions, inTurn: InTurn): void {
  new Histogram({
    ...describe(registry, 'imageAge', ['name', 'registry']),
    buckets: ageBounds(options.ageBuckets),
    collect() {
      return inTurn(() => {
        this.reset();
        observeAges(this, options);
      });
    },
  });
}

function observeAges(
  histogram: Histogram<'name' | 'registry'>,
  { tracked, now }: MonitoringMetricsOptions,
): void {
  const nowMs = now();
  const [names, registries] = [subjectLabel(), subjectLabel()];
  for (const resource of tracked.resources()) {
    const name = names.name(resource);
    for (const { registry, lastMonitorMs } of tracked.imagesOf(resource)) {
      if (lastMonitorMs === undefined) continue;
      // A wall clock that was set back makes no negative age.
      const ageMinutes = Math.max(0, nowMs - lastMonitorMs) / minuteMs;
      histogram.observe({ name, registry: registries.name(registry) }, ageMinutes);
    }
  }
}

function showPace(registry: Registry, { pace }: MonitoringMetricsOptions): void {
  const show = (metric: MetricName, read: (figures: RegistryPaceFigures) => number) =>
    scraped(registry, metric, {
      labels: ['registry'],
      fill: (gauge) => {
        // A sum for those beyond the bound.
        const registries = subjectLabel();
        for (const figures of pace.registries()) {
          gauge.inc({ registry: registries.name(figures.registry) }, read(figures));
        }
      },
    });
  show('checkQueue', ({ queued }) => queued);
  show('checkLag', ({ lagMs }) => lagMs / 1_000);
}

function showRounds(registry: Registry, { tracked, pace }: MonitoringMetricsOptions): void {
  scraped(registry, 'fullRound', {
    labels: ['name'],
    fill: (gauge) => {
      for (const name of tracked.resources().slice(0, subjectLabelsMax)) {
        gauge.set({ name }, pace.roundMsOf(name) / 1_000);
      }
    },
  });
}

/** The last word of each registry, as long as anything of it is checked. */
function showQuotas(
  registry: Registry,
  pace: PaceFigures,
): (host: string, remaining: number) => void {
  const quotas = new Map<string, number>();
  scraped(registry, 'quotaRemaining', {
    labels: ['registry'],
    fill: (gauge) => {
      const checked = new Set(pace.registries().map((figures) => figures.registry));
      for (const [host, remaining] of quotas) {
        if (checked.has(host)) gauge.set({ registry: host }, remaining);
        else quotas.delete(host);
      }
    },
  });
  return (host, remaining) => {
    if (quotas.has(host) || quotas.size < subjectLabelsMax) quotas.set(host, remaining);
  };
}

function showWorkloads(
  registry: Registry,
  { workloads }: MonitoringMetricsOptions,
  inTurn: InTurn,
): void {
  scraped(registry, 'workloadsAtRisk', {
    labels: ['namespace', 'kind', 'name', 'status'],
    inTurn,
    fill: (gauge) => {
      // Users choose these names: the first so many are told apart, the others counted together.
      for (const [index, { namespace, kind, name, images }] of workloads().entries()) {
        const other = { namespace: 'other', kind: 'other', name: 'other' };
        const workload = index < subjectLabelsMax ? { namespace, kind, name } : other;
        for (const { status } of images) gauge.inc({ ...workload, status }, 1);
      }
    },
  });
}
