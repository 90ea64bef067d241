import { type WorkloadAtRisk, type WorkloadsState, workloadsAtRisk } from './workloads.ts';

/** Workloads that could not start again elsewhere, and how much is known at all. */
export interface WorkloadsReport {
  readonly workloads: readonly WorkloadAtRisk[];
  /** Images that are monitored and in use, each counted once. */
  readonly imagesInUse: number;
  /** Those of them that no resource has checked: nothing is known of them yet. */
  readonly imagesUnchecked: number;
  /** Resources that monitor. */
  readonly resources: number;
}

/** Makes the report, of the Pods of one namespace or of all; the counts are of the whole cluster. */
export function reportWorkloads(state: WorkloadsState, namespace?: string): WorkloadsReport {
  const pods = namespace === undefined ? state.pods : podsIn(state, namespace);
  const used = new Map<string, boolean>();
  for (const { name } of state.scopes) {
    for (const { image, status, unusedSinceMs } of state.tracked.imagesOf(name)) {
      if (unusedSinceMs !== undefined) continue;
      used.set(image, used.get(image) === true || status !== 'Scheduled');
    }
  }
  return {
    workloads: workloadsAtRisk({ ...state, pods }),
    imagesInUse: used.size,
    imagesUnchecked: [...used.values()].filter((checked) => !checked).length,
    resources: state.scopes.length,
  };
}

function* podsIn(
  { pods }: WorkloadsState,
  namespace: string,
): Generator<WorkloadsState['pods'] extends Iterable<infer Pod> ? Pod : never> {
  for (const pod of pods) if (pod.namespace === namespace) yield pod;
}
