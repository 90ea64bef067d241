import type { AdmissionRegistries } from './admission-stage.ts';
import { cpuMicroseconds } from './cores.ts';
import { sendReviews } from './load-client.ts';
import type { LoadOutcome, LoadPlan } from './review-load.ts';
import { milliseconds, ratio } from './table.ts';

/** A webhook that is measured, and the registries that it may ask. */
export interface Measured {
  readonly url: string;
  readonly pid: number;
  readonly authorityPem: string;
  readonly registries: AdmissionRegistries;
}

/** What one load came to. */
export interface Figures extends LoadOutcome {
  readonly requests: number;
  readonly connections: number;
  /** Of the webhook's process, for each review. */
  readonly cpuUs: number;
}

/** Sends one load and counts what it brought about. */
export async function measure(
  { url, pid, authorityPem, registries }: Measured,
  plan: Omit<LoadPlan, 'url' | 'authorityPem'>,
): Promise<Figures> {
  for (const registry of registries.live) registry.resetCounts();
  const before = cpuMicroseconds(pid);
  const outcome = await sendReviews({ ...plan, url, authorityPem });
  const reviews = outcome.sent + plan.warmUp + plan.connections;
  const sum = (count: (registry: AdmissionRegistries['live'][number]) => number) =>
    registries.live.reduce((total, registry) => total + count(registry), 0);
  return {
    ...outcome,
    requests: sum((registry) => registry.requests()),
    connections: sum((registry) => registry.connections()),
    cpuUs: (cpuMicroseconds(pid) - before) / reviews,
  };
}

/** What had to be reached, and whether it was. */
export interface Bar {
  readonly text: string;
  readonly met: boolean;
  /** False where what does next to nothing missed it as well: then this machine cannot tell. */
  readonly baselineMet?: boolean;
}

/** One line of a table: figures beside those of a baseline of the same run. */
export interface Line {
  readonly what: string;
  readonly figures: Figures;
  readonly baseline?: Figures;
  readonly bar?: Bar;
}

/** Columns of a table at a steady pace; requests, connections and CPU are those of one review. */
export const pacedColumns = [
  'at a steady pace',
  'reviews',
  'p50 ms',
  'p99 ms',
  'max ms',
  'beside',
  'requests',
  'connections',
  'CPU us',
  'beside',
  'bar',
] as const;

/** A line at a steady pace. */
export function pacedCells({ what, figures, baseline, bar }: Line): readonly string[] {
  const { sent } = figures;
  return [
    what,
    String(sent),
    milliseconds(figures.p50Ms),
    milliseconds(figures.p99Ms),
    milliseconds(figures.maxMs),
    baseline === undefined ? '=' : ratio(figures.p99Ms, baseline.p99Ms),
    (figures.requests / sent).toFixed(2),
    (figures.connections / sent).toFixed(3),
    cpu(figures),
    baseline === undefined ? '=' : ratio(figures.cpuUs, baseline.cpuUs),
    barText(bar, figures),
  ];
}

/** Columns of a table of what one core can do; requests and CPU are those of one review. */
export const saturatedColumns = [
  'as fast as answers come',
  'a second',
  'beside',
  'a CPU second',
  'beside',
  'p50 ms',
  'p99 ms',
  'requests',
  'CPU us',
  'bar',
] as const;

/**
 * A line of what one core can do. Where others use the core as well, what it does in a second of the
 * process's own CPU time says more than what it did in one of the wall clock.
 */
export function saturatedCells({ what, figures, baseline, bar }: Line): readonly string[] {
  const aCpuSecond = ({ cpuUs }: Figures) => 1_000_000 / cpuUs;
  const beside = (of: (figures: Figures) => number) =>
    baseline === undefined ? '=' : `${(of(figures) / of(baseline)).toFixed(2)}x`;
  return [
    what,
    figures.perSecond.toFixed(0),
    beside(({ perSecond }) => perSecond),
    aCpuSecond(figures).toFixed(0),
    beside(aCpuSecond),
    milliseconds(figures.p50Ms),
    milliseconds(figures.p99Ms),
    (figures.requests / figures.sent).toFixed(3),
    cpu(figures),
    barText(bar, figures),
  ];
}

/** Ticks are coarse: a handful of reviews says nothing. */
const reviewsForCpuMin = 100;

function cpu({ cpuUs, sent }: Figures): string {
  return sent < reviewsForCpuMin || Number.isNaN(cpuUs) ? '-' : cpuUs.toFixed(0);
}

function barText(bar: Bar | undefined, { failed }: Figures): string {
  if (failed > 0) return `FAILED: ${failed} reviews were not answered`;
  if (bar === undefined) return '';
  if (bar.met) return `met: ${bar.text}`;
  const tells = bar.baselineMet ?? true;
  return tells ? `MISSED: ${bar.text}` : `not to be told, the baseline missed it too: ${bar.text}`;
}
