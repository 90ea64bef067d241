import { cancellationOf } from '#core/cancellation.ts';
import type { LiveWorkload } from '#core/routing/live-workloads.ts';
import type { RoutedWorkload } from '#core/routing/what-if.ts';
import { type RoutePodOptions, routePod } from './route-pod.ts';

/**
 * Decides about workloads as if their Pods were created again. What is not done when the signal aborts
 * has no decisions.
 */
export async function routeWorkloads(
  options: RoutePodOptions,
  workloads: readonly LiveWorkload[],
  signal: AbortSignal,
): Promise<readonly RoutedWorkload[]> {
  const routed: RoutedWorkload[] = workloads.map((workload) => ({ workload }));
  const cancellation = cancellationOf(signal);
  await eachAtOnce(workloads.entries(), signal, async ([index, workload]) => {
    const { decisions } = await routePod(options, workload.admission, cancellation);
    // What was found out while nobody waits any more may be half of it.
    if (!signal.aborted) routed[index] = { workload, decisions };
  });
  return routed;
}

/** So many at once: reviews go on meanwhile. */
const atOnceMax = 16;

/** Does something for each, some at once, until the signal aborts. */
export async function eachAtOnce<T>(
  items: IterableIterator<T>,
  signal: AbortSignal,
  work: (item: T) => Promise<void>,
): Promise<void> {
  const lane = async () => {
    for (const item of items) {
      if (signal.aborted) return;
      await work(item);
    }
  };
  await Promise.all(Array.from({ length: atOnceMax }, lane));
}
