import type { WorkloadAtRisk } from './workloads.ts';

/** Workloads of which it is known that they are at risk, and what is not known. */
export interface KnownWorkloads {
  readonly workloads: readonly WorkloadAtRisk[];
  /** Images that were left out, each counted once. */
  readonly imagesUnreadable: number;
}

/** The namespaces in which it matters whether Secrets may be read: some are missing there. */
export function namespacesInDoubt(workloads: readonly WorkloadAtRisk[]): readonly string[] {
  const doubtful = workloads.filter(({ images }) => images.some(isInDoubt));
  return [...new Set(doubtful.map(({ namespace }) => namespace))];
}

/**
 * Leaves out the images that are refused to us alone: where the roles keep the Secrets of a namespace
 * from us (behaviour §3.11), they are missing here and there for the kubelets.
 */
export function knownWorkloads(
  workloads: readonly WorkloadAtRisk[],
  unreadable: ReadonlySet<string>,
): KnownWorkloads {
  const leftOut = new Set<string>();
  const known = workloads.flatMap((workload) => {
    if (!unreadable.has(workload.namespace)) return workload;
    for (const one of workload.images) if (isInDoubt(one)) leftOut.add(one.image);
    const images = workload.images.filter((one) => !isInDoubt(one));
    return images.length === 0 ? [] : { ...workload, images };
  });
  return { workloads: known, imagesUnreadable: leftOut.size };
}

function isInDoubt({ status }: WorkloadAtRisk['images'][number]): boolean {
  return status === 'UnavailableSecret';
}
