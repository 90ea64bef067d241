import type { Registry } from 'prom-client';
import { isFinished } from '#core/pod.ts';
import { rewriteReasons } from '#core/routing/decision.ts';
import { type ImageBearer, rewrites } from '#core/routing/rewritten-images.ts';
import { forEachInTurns } from './in-turns.ts';
import type { MetricName } from './metric-table.ts';
import { ScrapedMetrics, subjectLabel } from './scraped.ts';

/** Pods as they are counted. */
export interface CountedPod extends ImageBearer {
  readonly phase: string;
  /** Wall time in ms; 0 where nobody knows. */
  readonly createdMs: number;
}

/** What the count is made from; on a replica that does not lead there are no Pods. */
export interface RewrittenPodsOptions {
  readonly pods: () => Iterable<CountedPod>;
  /** Whether `Kind/[namespace/]name` is declared: anybody can write the annotation. */
  readonly isDeclared: (by: string) => boolean;
}

const labels = ['kind', 'name', 'reason'] as const;

/**
 * Registers how many Pods run rewritten images, due to what, and since when the oldest of them does;
 * one Pod counts once for each.
 */
export function rewrittenPodsMetric(registry: Registry, options: RewrittenPodsOptions): void {
  const scrape = new ScrapedMetrics(registry);
  const show = (metric: MetricName, read: (group: RewrittenGroup) => number | undefined) =>
    scrape.gauge(metric, [...labels], async (gauge) => {
      for (const group of await groupRewritten(options)) {
        const { kind, name, reason } = group;
        const value = read(group);
        if (value !== undefined) gauge.set({ kind, name, reason }, value);
      }
    });
  show('rewrittenPods', ({ pods }) => pods);
  show('rewrittenSince', ({ oldestMs }) => oldestMs && oldestMs / 1_000);
}

/** Pods that run rewritten images due to the same. */
interface RewrittenGroup {
  readonly kind: string;
  readonly name: string;
  readonly reason: string;
  pods: number;
  /** When the oldest of them was created; absent where nobody knows. */
  oldestMs?: number | undefined;
}

async function groupRewritten(options: RewrittenPodsOptions): Promise<Iterable<RewrittenGroup>> {
  const groups = new Map<string, RewrittenGroup>();
  const names = subjectLabel();
  await forEachInTurns(options.pods(), (pod) => {
    if (isFinished(pod)) return;
    for (const { kind, by, reason } of reasonsOf(pod, options)) {
      const name = names.name(by);
      const key = `${kind} ${name} ${reason}`;
      const group = groups.get(key) ?? { kind, name, reason, pods: 0 };
      group.pods += 1;
      group.oldestMs = earlier(group.oldestMs, pod.createdMs);
      groups.set(key, group);
    }
  });
  return groups.values();
}

/** Each of the reasons for which a Pod was rewritten, once for each resource. */
function reasonsOf(pod: ImageBearer, { isDeclared }: Pick<RewrittenPodsOptions, 'isDeclared'>) {
  const dueTo = rewrites(pod).map(({ by = '', reason = '' }) => {
    const isReason = rewriteReasons.some((one) => one === reason);
    return `${isReason ? reason : 'other'} ${isDeclared(by) ? by : 'other/other'}`;
  });
  return [...new Set(dueTo)].map((text) => {
    const [reason = '', resource = ''] = text.split(' ');
    const [kind = '', ...name] = resource.split('/');
    return { kind, by: name.join('/'), reason };
  });
}

function earlier(knownMs: number | undefined, createdMs: number): number | undefined {
  if (createdMs === 0) return knownMs;
  return Math.min(knownMs ?? createdMs, createdMs);
}
