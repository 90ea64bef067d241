import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Runtime } from '#actors/runtime.ts';
import { apiGroup, apiVersion, apiVersionName, pluralOf } from '#api/kinds.ts';
import { type Result, succeed } from '#core/result.ts';
import { createImageMerger } from '#core/status/image-merger.ts';
import { decodeShard } from '#core/status/overflow.ts';
import type { ListedImage, StatusKind } from '#core/status/status-kind.ts';
import { hasOverflow, listedEntries } from '#core/status/status-list.ts';
import { applyObject, deleteObject } from '#kube/apply.ts';
import type { KubeClient } from '#kube/client.ts';
import { type ApiFailure, hasCode } from '#kube/failures.ts';
import { listPages } from '#kube/list-pages.ts';
import { type ResourcePlace, resourcePath } from '#kube/paths.ts';
import { forEachInTurns } from '#telemetry/in-turns.ts';
import type { Log } from '#telemetry/log.ts';
import {
  overflowPlace,
  overflowSelector,
  type StatusIdentity,
  type StatusOwner,
  type StoredConfigMap,
  type StoredShard,
  shardName,
  shardObject,
  shardsOf,
} from './overflow-objects.ts';

/**
 * What statuses of one group of kinds list, kuik v2's included, with the ConfigMaps that hold what a
 * status has no room for: each call is one try, and what it meets is its answer.
 */
export class StatusStore<Image extends ListedImage, Status> {
  readonly statusKind: StatusKind<Image, Status>;
  readonly writesUntilGone: boolean;
  readonly #log: Log;
  readonly #options: StatusStoreOptions<Image, Status>;

  constructor({ log }: Pick<Runtime, 'log'>, options: StatusStoreOptions<Image, Status>) {
    this.statusKind = options.statusKind;
    this.writesUntilGone = options.writesUntilGone ?? false;
    this.#log = log;
    this.#options = options;
  }

  /**
   * What a resource's status and its overflow list; one try. A failure is no answer: whoever took it
   * for one would begin with everything anew.
   */
  readonly restore = async (
    resource: string,
    signal: AbortSignal,
  ): Promise<Result<readonly Image[], ApiFailure>> => {
    const bounded = AbortSignal.any([signal, AbortSignal.timeout(readTimeoutMs)]);
    const stored = await this.read(resource, bounded);
    if (stored.ok) return succeed(await readImages(this.statusKind, resource, stored.value));
    const failure = stored.error;
    if (!signal.aborted) this.#log.warn({ resource, failure }, this.#options.unreadMessage);
    return stored;
  };

  /** Reads the whole of a resource as it is this moment; undefined when there is none. */
  readonly read = async (
    resource: string,
    signal: AbortSignal,
  ): Promise<Result<StoredStatus<Status> | undefined, ApiFailure>> => {
    const { client, identityOf } = this.#options;
    const identity = identityOf(resource);
    const { name } = identity;
    // The one of that name in a list: whoever may list need not be let get (chart/templates).
    const query = { fieldSelector: `metadata.name=${name}`, limit: 1 };
    const call = { method: 'GET', path: resourcePath(collectionOf(identity)), query } as const;
    const found = await client.call<{ items?: readonly StoredObject<Status>[] }>(call, signal);
    if (!found.ok) return hasCode(found.error, 404) ? succeed(undefined) : found;
    const [object] = found.value.items ?? [];
    if (object === undefined) return succeed(undefined);
    const { metadata, status } = object;
    const owner = { apiVersion, ...identity, uid: metadata.uid };
    const isBeingDeleted = metadata.deletionTimestamp !== undefined;
    const shards = await this.#readShards(owner, signal);
    if (shards.ok) return succeed({ owner, isBeingDeleted, status, shards: shards.value });
    // Who may not read them never wrote one, unless the status says that there is more.
    const isNone = hasCode(shards.error, 403) && !hasOverflow(this.statusKind, status);
    if (!isNone) return shards;
    this.#log.warn({ resource, failure: shards.error }, 'the overflow may not be read');
    return succeed({ owner, isBeingDeleted, status, shards: [] });
  };

  /** Makes the status say this, whoever wrote these fields before; the others stay as they are. */
  readonly writeStatus = (
    { uid, ...identity }: StatusOwner,
    status: Status,
    signal: AbortSignal,
  ): Promise<Result<unknown, ApiFailure>> => {
    // With the uid: one that was made anew under the same name is another resource.
    const { kind, name, namespace } = identity;
    const object = { apiVersion, kind, metadata: { name, namespace, uid }, status };
    const place = { ...collectionOf(identity), name, subresource: 'status' };
    return this.#apply(place, object, signal);
  };

  readonly writeShard = (
    owner: StatusOwner,
    shard: StoredShard,
    signal: AbortSignal,
  ): Promise<Result<unknown, ApiFailure>> => {
    const name = shardName(owner, shard.prefix);
    const object = shardObject(owner, {
      name,
      namespace: this.#options.namespace,
      text: shard.text,
    });
    return this.#apply(this.#shardPlace(name), object, signal);
  };

  readonly removeShard = (
    owner: StatusOwner,
    prefix: string,
    signal: AbortSignal,
  ): Promise<Result<void, ApiFailure>> => {
    const place = this.#shardPlace(shardName(owner, prefix));
    return deleteObject(this.#options.client, { place }, signal);
  };

  #apply(place: ResourcePlace, object: object, signal: AbortSignal) {
    const { client, fieldManager } = this.#options;
    return applyObject<unknown>(client, { place, object, options: { fieldManager } }, signal);
  }

  async #readShards(
    owner: StatusOwner,
    signal: AbortSignal,
  ): Promise<Result<readonly StoredShard[], ApiFailure>> {
    for (let restarts = 0; ; restarts += 1) {
      const answer = await this.#readPages(owner, signal);
      const expired = !answer.ok && hasCode(answer.error, 410);
      if (!expired || restarts >= restartsMax) return answer;
    }
  }

  async #readPages(
    owner: StatusOwner,
    signal: AbortSignal,
  ): Promise<Result<readonly StoredShard[], ApiFailure>> {
    const listing = {
      path: resourcePath(this.#shardPlace()),
      query: { labelSelector: overflowSelector(owner) },
      pageObjects: pageShardsMax,
    };
    const shards: StoredShard[] = [];
    for await (const page of listPages<StoredConfigMap>(this.#options.client, listing, signal)) {
      if (!page.ok) return page;
      shards.push(...shardsOf(owner, page.value.items));
    }
    return succeed(shards);
  }

  #shardPlace(name?: string): ResourcePlace {
    return overflowPlace(this.#options.namespace, name);
  }
}

/** Which kinds a store is about, and where it keeps what. */
export interface StatusStoreOptions<Image extends ListedImage, Status> {
  readonly client: Pick<KubeClient, 'call'>;
  /** The operator's own, where the overflow is kept. */
  readonly namespace: string;
  readonly statusKind: StatusKind<Image, Status>;
  /** Whose fields of a status the list and its counts are. */
  readonly fieldManager: string;
  /** Whether something is still to be told of a resource that is being deleted. */
  readonly writesUntilGone?: boolean;
  /** What the log says when a status cannot be read. */
  readonly unreadMessage: string;
  /** The object that a resource's name means. */
  readonly identityOf: (resource: string) => StatusIdentity;
}

/** What the API server holds of one resource. */
export interface StoredStatus<Status> {
  readonly owner: StatusOwner;
  readonly isBeingDeleted: boolean;
  /** Undefined before the first write. */
  readonly status: Partial<Status> | undefined;
  readonly shards: readonly StoredShard[];
}

const readTimeoutMs = 30_000;
/** Some megabyte a page: to read it takes a few milliseconds of the event loop. */
const pageShardsMax = 4;
/** A list that changes under way is begun anew; so often in a row it is somebody's mistake. */
const restartsMax = 5;

/** Objects of one kind, of one namespace where they are in one. */
export function collectionOf({ kind, namespace }: StatusIdentity): ResourcePlace {
  const place = { group: apiGroup, version: apiVersionName, plural: pluralOf(kind) };
  return namespace === undefined ? place : { ...place, namespace };
}

interface StoredObject<Status> {
  readonly metadata: { readonly uid: string; readonly deletionTimestamp?: string };
  readonly status?: Partial<Status>;
}

async function readImages<Image extends ListedImage, Status>(
  statusKind: StatusKind<Image, Status>,
  resource: string,
  stored: StoredStatus<Status> | undefined,
): Promise<readonly Image[]> {
  // A round that was aborted leaves an image in both places; the status was written last.
  const merger = createImageMerger(statusKind);
  const read = (entries: readonly unknown[]) =>
    forEachInTurns(entries, (entry) => {
      const image = statusKind.read(resource, entry);
      if (image !== undefined) merger.add(image);
    });
  await read(listedEntries(statusKind, stored?.status ?? {}));
  for (const { text } of stored?.shards ?? []) {
    await nextTurn();
    await read(decodeShard(text));
  }
  return merger.all();
}
