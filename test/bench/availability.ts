import { runAvailability } from '#test/support/operator/availability-run.ts';
import { setAvailabilityStage } from '#test/support/operator/availability-stage.ts';
import { removeUnusedPods } from '#test/support/operator/unused-pods.ts';
import { milliseconds, table } from './table.ts';

/** The bar, and a run to see that it works. */
const plans = {
  usual: { admissions: 2_000, perSecond: 20, kills: 8, killAfterMs: 5_000, restarts: 2 },
  quick: { admissions: 200, perSecond: 20, kills: 1, killAfterMs: 2_000, restarts: 1 },
} as const;
/** Images that no Pod has any more at the end: their copies are deleted by whoever leads then. */
const unusedImages = 5;

/** Three replicas behind a balancer while leaders are killed and the API server restarts. */
export async function run({ quick }: { readonly quick: boolean }): Promise<void> {
  const stage = await setAvailabilityStage();
  try {
    const images = stage.images.length;
    const outcome = await runAvailability(stage, quick ? plans.quick : plans.usual);
    const settledMs = await timed(() => stage.converged(images));
    await removeUnusedPods(stage, unusedImages);
    const deletedMs = await timed(() => stage.converged(images - unusedImages));
    const deletions = stage.deletions();
    const takeOvers = outcome.takeOversMs.map((ms) => (ms / 1_000).toFixed(1)).join(', ');
    const rows = [
      ['Pods admitted', String(outcome.admitted)],
      ['refused', String(outcome.refused.length)],
      ['admitted as they came, around a kill or restart', String(outcome.unrouted)],
      ['p50, ms', milliseconds(outcome.p50Ms)],
      ['p99, ms', milliseconds(outcome.p99Ms)],
      ['longest, ms', milliseconds(outcome.maxMs)],
      ['times outside restarts', String(outcome.samples)],
      ['kill to next leader, s', takeOvers],
      ['statuses right after, s', (settledMs / 1_000).toFixed(1)],
      ['copies deleted after, s', (deletedMs / 1_000).toFixed(1)],
      ['DELETE sent', String(deletions.length)],
      ['of these without a Lease', String(deletions.filter(({ isHeld }) => !isHeld).length)],
    ];
    console.log(table(['what', 'figure'], rows));
    for (const refusal of outcome.refused.slice(0, 5)) console.log(refusal);
  } finally {
    await stage.close();
  }
}

async function timed(work: () => Promise<void>): Promise<number> {
  const startedMs = performance.now();
  await work();
  return performance.now() - startedMs;
}
