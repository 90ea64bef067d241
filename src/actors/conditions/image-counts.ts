import type { RoutingTableKeeper } from '#actors/keep-routing-table.ts';
import { type RoundOutcome, reconcileLogic } from '#actors/reconcile.ts';
import type { KuikSystem } from '#actors/system.ts';
import { type KuikKind, type KuikResource, resourceName } from '#api/kinds.ts';
import type { ImageReference } from '#core/image/reference.ts';
import { Listeners } from '#core/listeners.ts';
import { missMessage } from '#core/ready-message.ts';
import { type CountedPod, ImageCounter, type ImageCounts } from '#core/routing/image-counts.ts';
import type { RoutingPolicy } from '#core/routing/policy.ts';
import type { Store } from '#kube/store.ts';
import type { WorkInput } from '#machines/reconcile.ts';
import { finishInTurns } from '#telemetry/in-turns.ts';
import type { ConditionContributor } from './conditions.ts';

/**
 * Counts, while this process leads, the images that each resource takes care of; of one that matches
 * none it says which image comes nearest, and what left it out.
 */
export function addImageCounts(
  system: KuikSystem,
  options: ImageCountsOptions,
): ConditionContributor {
  const { resources, table, policy, isNodeOnly } = options;
  const { pods } = resources;
  const { subscribe, tell } = new Listeners();
  let counts: ImageCounts = new Map();
  let counter = new ImageCounter();
  const watch = (changed: () => void) => {
    counts = new Map();
    counter = new ImageCounter();
    const stops = [table.subscribe(changed), pods.subscribe(changed)];
    return () => {
      for (const stop of stops) stop();
    };
  };
  const work = async (_: WorkInput, signal: AbortSignal): Promise<RoundOutcome> => {
    await pods.synced;
    const beganMs = performance.now();
    const state = { table: table.current(), pods: pods.values(), policy, isNodeOnly };
    const listedOf = (resource: KuikResource) => listedNow(resource, resources.kuik);
    const counted = await finishInTurns(counter.count({ ...state, listedOf }));
    if (!signal.aborted) counts = counted;
    if (!signal.aborted) tell();
    const restMs = restFactor * (performance.now() - beganMs);
    return { kind: 'done', paceMs: Math.max(writeEveryMs, restMs) };
  };
  system.whileLeading({
    id: 'reconcile:image-counts',
    logic: reconcileLogic(system.runtime, { settleMs, watch, work }),
  });
  const countOf = (resource: KuikResource) => counts.get(resourceName(resource));
  return {
    statesOf: () => [],
    readyMessage: (resource) => missMessage(resource, countOf(resource)),
    imageCountOf: (resource) => {
      const count = countOf(resource);
      return count && count.used + count.unused;
    },
    subscribe,
  };
}

/** What is counted. */
export interface ImageCountsOptions {
  readonly resources: {
    readonly pods: Store<CountedPod>;
    readonly kuik: ReadonlyMap<KuikKind, Store<KuikResource>>;
  };
  readonly table: Pick<RoutingTableKeeper, 'current' | 'subscribe'>;
  /** Pods that are left alone use nothing. */
  readonly policy: Pick<RoutingPolicy, 'skipLabels' | 'skipAnnotations'>;
  /** Images that only kubelets can pull: a mirror takes care of none. */
  readonly isNodeOnly: (reference: ImageReference) => boolean;
}

/** Pods of a rollout come at 20 a second. */
const settleMs = 500;
/** A status is written no more often than this. */
const writeEveryMs = 1_000;
/** Counting rests for so much longer than it took: it never costs more than a twentieth of a core. */
const restFactor = 20;

/** The table keeps a resource as it was compiled; its status has changed since. */
function listedNow(
  { kind, metadata }: KuikResource,
  stores: ReadonlyMap<KuikKind, Store<KuikResource>>,
): readonly string[] {
  const { namespace, name } = metadata;
  const present = stores.get(kind)?.get(namespace === undefined ? name : `${namespace}/${name}`);
  const isMirror = present?.kind === 'ImageSetMirror' || present?.kind === 'ClusterImageSetMirror';
  const listed = isMirror ? (present.status?.matchingImages ?? []) : [];
  return listed.map(({ image }) => image);
}
