import type { Registry } from 'prom-client';
import { subjectLabelsMax } from './bounded-label.ts';
import type { MetricName } from './metric-table.ts';
import { ScrapedMetrics } from './scraped.ts';

/** What a registry last said of one quota. */
export interface ShownQuota {
  readonly remaining: number;
  readonly limit: number;
}

/** What is shown of quotas: what registries told this replica, whoever leads. */
export interface QuotaMetricsOptions {
  /** By registry, the quota that is nearest to its end. */
  readonly quotas: () => ReadonlyMap<string, ShownQuota>;
  /** Registries that are shown however many there are. */
  readonly isKept: (registry: string) => boolean;
}

/** Registers what is left of the quotas of registries, and how much there is. */
export function quotaMetrics(registry: Registry, options: QuotaMetricsOptions): void {
  const scrape = new ScrapedMetrics(registry);
  const show = (metric: MetricName, read: (quota: ShownQuota) => number) =>
    scrape.gauge(metric, ['registry'], (gauge) => {
      for (const [host, quota] of shownQuotas(options)) gauge.set({ registry: host }, read(quota));
    });
  show('registryQuotaRemaining', ({ remaining }) => remaining);
  show('registryQuotaLimit', ({ limit }) => limit);
}

/** Quotas of several registries have no sum: what is beyond the bound is not shown. */
function shownQuotas({ quotas, isKept }: QuotaMetricsOptions) {
  const all = [...quotas()];
  const kept = all.filter(([host]) => isKept(host));
  const others = all.filter(([host]) => !isKept(host));
  return [...kept, ...others.slice(0, subjectLabelsMax)];
}
