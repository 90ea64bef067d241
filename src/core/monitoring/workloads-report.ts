import type { KnownWorkloads } from './known-workloads.ts';
import type { WorkloadsState } from './workloads.ts';

/** Workloads that could not start again elsewhere, and how much is known at all. */
export interface WorkloadsReport extends KnownWorkloads {
  /** Images that are monitored and in use, each counted once. */
  readonly imagesInUse: number;
  /** Images in use that no resource has checked: nothing is known of them yet. */
  readonly imagesUnchecked: number;
  /** Images in use that only kubelets can pull (`monitoring.nodeOnly`): they are never checked. */
  readonly imagesNodeOnly: number;
  /** Resources that monitor. */
  readonly resources: number;
}

/** Makes the report of these workloads; the counts are of the whole cluster. */
export function reportWorkloads(
  known: KnownWorkloads,
  { scopes, tracked }: Pick<WorkloadsState, 'scopes' | 'tracked'>,
): WorkloadsReport {
  const used = new Map<string, boolean>();
  const nodeOnly = new Set<string>();
  for (const { name } of scopes) {
    for (const { image, status, unusedSinceMs } of tracked.imagesOf(name)) {
      if (unusedSinceMs !== undefined) continue;
      used.set(image, used.get(image) === true || status !== 'Scheduled');
      if (status === 'NodeOnly') nodeOnly.add(image);
    }
  }
  return {
    ...known,
    imagesInUse: used.size,
    imagesUnchecked: [...used.values()].filter((checked) => !checked).length,
    imagesNodeOnly: nodeOnly.size,
    resources: scopes.length,
  };
}
