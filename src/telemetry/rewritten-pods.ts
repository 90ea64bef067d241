import type { Registry } from 'prom-client';
import { rewriteReasons } from '#core/routing/decision.ts';
import { type ImageBearer, rewrites } from '#core/routing/rewritten-images.ts';
import { forEachInTurns } from './in-turns.ts';
import { ScrapedMetrics, subjectLabel } from './scraped.ts';

/** Pods as they are counted. */
export interface CountedPod extends ImageBearer {
  readonly phase: string;
}

/** What the count is made from; on a replica that does not lead there are no Pods. */
export interface RewrittenPodsOptions {
  readonly pods: () => Iterable<CountedPod>;
  /** Whether `Kind/[namespace/]name` is declared: anybody can write the annotation. */
  readonly isDeclared: (by: string) => boolean;
}

const finished: readonly string[] = ['Succeeded', 'Failed'];

/** Registers how many Pods run rewritten images, and due to what; one Pod counts once for each. */
export function rewrittenPodsMetric(registry: Registry, options: RewrittenPodsOptions): void {
  const scrape = new ScrapedMetrics(registry);
  scrape.gauge('rewrittenPods', ['kind', 'name', 'reason'], async (gauge) => {
    const counts = new Map<string, number>();
    await forEachInTurns(options.pods(), (pod) => {
      if (finished.includes(pod.phase)) return;
      const dueTo = rewrites(pod).map(({ by = '', reason = '' }) => {
        const isReason = rewriteReasons.some((one) => one === reason);
        return `${isReason ? reason : 'other'} ${options.isDeclared(by) ? by : 'other/other'}`;
      });
      for (const key of new Set(dueTo)) counts.set(key, (counts.get(key) ?? 0) + 1);
    });
    const names = subjectLabel();
    for (const [key, count] of counts) {
      const [reason = '', by = ''] = key.split(' ');
      const [kind = '', ...name] = by.split('/');
      gauge.inc({ reason, kind, name: names.name(name.join('/')) }, count);
    }
  });
}
