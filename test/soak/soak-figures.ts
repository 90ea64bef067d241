import { residentBytes } from '#test/support/processes/heap.ts';
import type { MirroringStage } from './mirroring-stage.ts';

/** What an operator says of itself now. */
export interface SoakFigures {
  readonly rssBytes: number;
  readonly heapBytes: number;
  readonly loopP99Ms: number;
  readonly loopMaxMs: number;
  /** Sums over all operators so far. */
  readonly copies: Readonly<Record<string, number>>;
  readonly deletions: Readonly<Record<string, number>>;
}

const names = {
  copies: 'kube_image_keeper_mirroring_copies_total',
  deletions: 'kube_image_keeper_mirroring_deletions_total',
} as const;

/** Reads figures, and adds up what each operator has counted before it ended. */
export function createFigures(stage: MirroringStage) {
  const last = new Map<string, number>();
  const sums = new Map<string, number>();
  const take = async (): Promise<SoakFigures> => {
    const { metricsUrl, pid } = stage.operator();
    const text = await (await fetch(`${metricsUrl}/metrics`)).text();
    for (const [sample, value] of counters(text)) {
      const before = last.get(sample) ?? 0;
      // One that starts anew has ended and come back.
      sums.set(sample, (sums.get(sample) ?? 0) + (value < before ? value : value - before));
      last.set(sample, value);
    }
    const gauge = (name: string) =>
      Number(new RegExp(`^${name} (\\S+)$`, 'm').exec(text)?.[1] ?? Number.NaN);
    return {
      rssBytes: residentBytes(pid),
      heapBytes: gauge('nodejs_heap_size_used_bytes'),
      loopP99Ms: gauge('nodejs_eventloop_lag_p99_seconds') * 1_000,
      loopMaxMs: gauge('nodejs_eventloop_lag_max_seconds') * 1_000,
      copies: byResult(sums, names.copies),
      deletions: byResult(sums, names.deletions),
    };
  };
  return { take };
}

function counters(text: string): readonly (readonly [sample: string, value: number])[] {
  return text.split('\n').flatMap((line) => {
    const [sample = '', value = ''] = line.split(/ (?=\S+$)/);
    const isOurs = Object.values(names).some((name) => sample.startsWith(`${name}{`));
    return isOurs ? [[sample, Number(value)] as const] : [];
  });
}

function byResult(sums: ReadonlyMap<string, number>, name: string): Record<string, number> {
  const results: Record<string, number> = {};
  for (const [sample, value] of sums) {
    if (!sample.startsWith(`${name}{`)) continue;
    const result = /result="([^"]*)"/.exec(sample)?.[1] ?? '';
    results[result] = (results[result] ?? 0) + value;
  }
  return results;
}
