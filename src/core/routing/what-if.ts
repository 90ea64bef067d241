import type { RouteDecision } from './decision.ts';
import { isOnRegistry, type LiveWorkload } from './live-workloads.ts';

/** What would become of the workloads that run from registries, if those died now. */
export interface WhatIfReport {
  readonly registries: readonly string[];
  /** Started again, these would run something else than they run now. */
  readonly moving: readonly WorkloadChange[];
  /** Started again where the image is not, these would not run. */
  readonly stranded: readonly WorkloadChange[];
  /** These run from there, and would run what they run now: nothing has to be pulled from there. */
  readonly staying: number;
  /** Workloads that were not decided about: there are too many, or the time was over. */
  readonly undecided: number;
}

/** A workload, and what its images would come to. */
export interface WorkloadChange extends Pick<LiveWorkload, 'namespace' | 'kind' | 'name' | 'pods'> {
  readonly images: readonly ImageChange[];
}

/** One image that would be another, or none. */
export interface ImageChange {
  readonly container: string;
  /** As it is written in the Pod that lives. */
  readonly now: string;
  /** What would be pulled; absent where nothing could be. */
  readonly afterwards?: string;
  /** Who proposes it, `Kind/[namespace/]name` or `original`. */
  readonly by?: string;
  readonly message: string;
}

/** Asks what would become of the workloads that run from these registries. */
export type WhatIf = (registries: readonly string[], signal: AbortSignal) => Promise<WhatIfReport>;

/** A workload that would be routed, and how. */
export interface RoutedWorkload {
  readonly workload: LiveWorkload;
  /** Absent where the time was over. */
  readonly decisions?: readonly RouteDecision[];
}

/** Sorts them: who moves, and who is left without an image. */
export function whatIfReport(
  registries: readonly string[],
  routed: readonly RoutedWorkload[],
  left: number,
): WhatIfReport {
  const dead = new Set(registries);
  const moving: WorkloadChange[] = [];
  const stranded: WorkloadChange[] = [];
  let staying = 0;
  let undecided = left;
  for (const { workload, decisions } of routed) {
    if (decisions === undefined) {
      undecided += 1;
      continue;
    }
    const images = decisions.flatMap((decision) => changeOf(workload, decision, dead));
    const { namespace, kind, name, pods } = workload;
    const change = { namespace, kind, name, pods, images };
    if (images.length === 0) staying += 1;
    else if (images.some(({ afterwards }) => afterwards === undefined)) stranded.push(change);
    else moving.push(change);
  }
  return { registries, moving, stranded, staying, undecided };
}

function changeOf(
  { running }: LiveWorkload,
  { key, winner, by, reason, message, image }: RouteDecision,
  dead: ReadonlySet<string>,
): readonly ImageChange[] {
  const now = running[key] ?? image;
  const isGone = reason === 'NothingAvailable' || isOnRegistry(winner, dead);
  if (isGone) return [{ container: key, now, message }];
  return winner === now ? [] : [{ container: key, now, afterwards: winner, by, message }];
}
