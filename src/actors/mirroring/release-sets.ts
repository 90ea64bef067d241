import { type RoundOutcome, reconcileLogic } from '#actors/reconcile.ts';
import type { KuikSystem } from '#actors/system.ts';
import { type KuikKind, type KuikResource, resourceName } from '#api/kinds.ts';
import type { KubeClient } from '#kube/client.ts';
import { hasCode } from '#kube/failures.ts';
import type { Store } from '#kube/store.ts';
import type { WorkInput } from '#machines/reconcile.ts';
import { keepFinalizers, secretCleanup } from './set-finalizers.ts';

/**
 * Takes kuik v2's finalizer off sets while this process leads: nobody else would, and a set that
 * carries it could never be deleted (behaviour §5). Mirrors are rid of it with their own finalizer.
 */
export function addReleasedSets(system: KuikSystem, options: ReleasedSetsOptions): void {
  const { log } = system.runtime;
  const release = async (object: KuikResource, signal: AbortSignal) => {
    const kept = await keepFinalizers(options.client, { object, isWanted: false }, signal);
    if (kept.ok || hasCode(kept.error, 404)) return undefined;
    const fields = { resource: resourceName(object), failure: kept.error };
    log.warn(fields, "kuik v2's finalizer could not be taken off a resource");
    return kept.error.message;
  };
  const work = async (_: WorkInput, signal: AbortSignal): Promise<RoundOutcome> => {
    let message: string | undefined;
    for (const object of heldSets(options.stores)) {
      if (signal.aborted) break;
      message = (await release(object, signal)) ?? message;
    }
    if (message === undefined) return { kind: 'done' };
    return { kind: 'failed', message, retryInMs: retryMs };
  };
  const watch = (changed: () => void) =>
    options.stores.get(heldKind)?.subscribe(changed) ?? (() => undefined);
  const logic = reconcileLogic(system.runtime, { settleMs: 0, paceMs, watch, work });
  system.whileLeading({ id: 'reconcile:released-sets', logic });
}

/** What is looked at, and written with. */
export interface ReleasedSetsOptions {
  readonly client: Pick<KubeClient, 'call'>;
  readonly stores: ReadonlyMap<KuikKind, Store<KuikResource>>;
}

/** The one kind beside mirrors on which kuik v2 puts it. */
const heldKind = 'ClusterReplicatedImageSet';
/** A set that has just been written comes by the watch a moment later; nothing here is urgent. */
const paceMs = 1_000;
/** What failed is tried again after this; a change in between comes first. */
const retryMs = 15_000;

function heldSets(stores: ReleasedSetsOptions['stores']): readonly KuikResource[] {
  const sets = stores.get(heldKind);
  return [...(sets?.values() ?? [])].filter(
    ({ metadata }) => metadata.finalizers?.includes(secretCleanup) ?? false,
  );
}
