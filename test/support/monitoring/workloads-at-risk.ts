import {
  createWorkloadsFinder,
  type WorkloadAtRisk,
  type WorkloadsState,
} from '#core/monitoring/workloads.ts';

/** The workloads at risk, found at once. */
export function workloadsAtRisk(state: WorkloadsState): readonly WorkloadAtRisk[] {
  const { pods, scopes, tracked } = state;
  const finder = createWorkloadsFinder(scopes);
  for (const { name } of scopes) for (const image of tracked.imagesOf(name)) finder.addImage(image);
  for (const { name } of scopes) {
    for (const image of tracked.imagesOf(name)) finder.addAvailable(image);
  }
  for (const pod of pods) finder.addPod(pod);
  return [...finder.all()];
}
