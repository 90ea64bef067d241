import { type RoundOutcome, reconcileLogic } from '#actors/reconcile.ts';
import type { KuikSystem } from '#actors/system.ts';
import type { KuikResource } from '#api/kinds.ts';
import { type Result, succeed } from '#core/result.ts';
import { deleteObject } from '#kube/apply.ts';
import type { KubeClient } from '#kube/client.ts';
import { type ApiFailure, hasCode } from '#kube/failures.ts';
import { listPages } from '#kube/list-pages.ts';
import { resourcePath } from '#kube/paths.ts';
import type { Store } from '#kube/store.ts';
import type { WorkInput } from '#machines/reconcile.ts';
import {
  type NamespacedShard,
  namespacedShard,
  overflowListing,
  overflowPlace,
  type StoredConfigMap,
} from './overflow-objects.ts';
import { collectionOf } from './status-store.ts';

/**
 * Removes, while this process leads, the overflow of namespaced resources that are gone: an object
 * cannot own one of another namespace, so no garbage collector does it.
 */
export function addOrphanedOverflow(system: KuikSystem, options: OrphanedOverflowOptions): void {
  const { resources } = options;
  system.whileLeading({
    id: 'reconcile:orphaned-overflow',
    logic: reconcileLogic(system.runtime, {
      ...{ settleMs, paceMs },
      watch: (changed) =>
        resources.subscribe(({ kind }) => {
          if (kind === 'deleted') changed();
        }),
      work: async (_: WorkInput, signal: AbortSignal): Promise<RoundOutcome> => {
        const bounded = AbortSignal.any([signal, AbortSignal.timeout(roundTimeoutMs)]);
        const removed = await removeOrphans(options, bounded);
        if (removed.ok) return { kind: 'done', dueInMs: lookEveryMs };
        const failure = removed.error;
        const message = 'the overflow of resources that are gone could not be removed';
        if (!signal.aborted) system.runtime.log.warn({ failure }, message);
        return { kind: 'failed', message: failure.message, retryInMs: retryMs, quietMs: retryMs };
      },
    }),
  });
}

/** What is looked for, and where. */
export interface OrphanedOverflowOptions {
  readonly client: Pick<KubeClient, 'call'>;
  /** The operator's own, where the overflow is kept. */
  readonly namespace: string;
  /** The ImageSetMirrors that there are. */
  readonly resources: Store<KuikResource>;
}

/** A namespace that goes takes many with it. */
const settleMs = 1_000;
/** Each round lists; nobody waits for it. */
const paceMs = 10_000;
/** What a writer still wrote while its resource went. */
const lookEveryMs = 3_600_000;
const retryMs = 15_000;
const roundTimeoutMs = 60_000;
const kind = 'ImageSetMirror';
/** Of a resource only its uid is looked at; its status may be a mebibyte. */
const accept = 'application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1';

async function removeOrphans(
  options: OrphanedOverflowOptions,
  signal: AbortSignal,
): Promise<Result<void, ApiFailure>> {
  const { client, namespace, resources } = options;
  await resources.synced;
  const listing = overflowListing(namespace, kind);
  for await (const page of listPages<StoredConfigMap>(client, listing, signal)) {
    if (!page.ok) return page;
    const present = new Set([...resources.values()].map(({ metadata }) => metadata.uid));
    const shards = page.value.items.flatMap((item) => namespacedShard(item) ?? []);
    for (const shard of shards.filter(({ ownerUid }) => !present.has(ownerUid))) {
      const removed = await removeOrphan(options, shard, signal);
      if (!removed.ok) return removed;
    }
  }
  return succeed(undefined);
}

async function removeOrphan(
  { client, namespace }: OrphanedOverflowOptions,
  shard: NamespacedShard,
  signal: AbortSignal,
): Promise<Result<void, ApiFailure>> {
  const isGone = await isOwnerGone(client, shard, signal);
  if (!isGone.ok) return isGone;
  if (!isGone.value) return succeed(undefined);
  const place = overflowPlace(namespace, shard.name);
  const removed = await deleteObject(client, { place, uid: shard.uid }, signal);
  // One that was made anew under that name is another one's, or will be looked at again.
  return !removed.ok && hasCode(removed.error, 409) ? succeed(undefined) : removed;
}

/** What a watch does not know yet may be there all the same: the API server has the last word. */
async function isOwnerGone(
  client: Pick<KubeClient, 'call'>,
  { owner, ownerUid }: NamespacedShard,
  signal: AbortSignal,
): Promise<Result<boolean, ApiFailure>> {
  const path = resourcePath(collectionOf(owner));
  const query = { fieldSelector: `metadata.name=${owner.name}`, limit: 1 };
  type Answer = { readonly items?: readonly { readonly metadata: { readonly uid: string } }[] };
  const found = await client.call<Answer>({ method: 'GET', path, query, accept }, signal);
  if (!found.ok) return found;
  return succeed((found.value.items ?? []).every(({ metadata }) => metadata.uid !== ownerUid));
}
