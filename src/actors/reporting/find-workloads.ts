import {
  type KnownWorkloads,
  knownWorkloads,
  namespacesInDoubt,
} from '#core/monitoring/known-workloads.ts';
import {
  createWorkloadsFinder,
  type WorkloadAtRisk,
  type WorkloadsState,
} from '#core/monitoring/workloads.ts';
import { forEachInTurns, gather } from '#telemetry/in-turns.ts';

/** Finds the workloads at risk, by the Pods of one namespace or of all, a slice in a turn. */
export async function findWorkloads(
  { pods, scopes, tracked }: WorkloadsState,
  namespace?: string,
): Promise<readonly WorkloadAtRisk[]> {
  const finder = createWorkloadsFinder(scopes);
  for (const { name } of scopes) await forEachInTurns(tracked.imagesOf(name), finder.addImage);
  if (finder.isEmpty()) return [];
  for (const { name } of scopes.length > 1 ? scopes : []) {
    await forEachInTurns(tracked.imagesOf(name), finder.addAvailable);
  }
  const isAsked = (pod: { readonly namespace: string }) =>
    namespace === undefined || pod.namespace === namespace;
  await forEachInTurns(Iterator.from(pods).filter(isAsked), finder.addPod);
  return await gather(finder.all());
}

/** Of these, what is known, by what the roles let this process read. */
export async function findKnown(
  workloads: readonly WorkloadAtRisk[],
  mayRead: (namespace: string) => Promise<boolean>,
): Promise<KnownWorkloads> {
  const unreadable = new Set<string>();
  await Promise.all(
    namespacesInDoubt(workloads).map(async (namespace) => {
      if (!(await mayRead(namespace))) unreadable.add(namespace);
    }),
  );
  return knownWorkloads(workloads, unreadable);
}
