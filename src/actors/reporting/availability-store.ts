import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Runtime } from '#actors/runtime.ts';
import { ownerUidLabel } from '#actors/secrets/secret-copy.ts';
import type { ClusterImageSetAvailabilityStatus } from '#api/image-set-availability.ts';
import { apiGroup, apiVersion, apiVersionName, type KuikKind, pluralOf } from '#api/kinds.ts';
import { createImageMerger, readMonitoredImage } from '#core/monitoring/monitored-image.ts';
import { decodeShard } from '#core/monitoring/overflow.ts';
import type { TrackedImage } from '#core/monitoring/tracked-image.ts';
import { type Result, succeed } from '#core/result.ts';
import { applyObject, deleteObject } from '#kube/apply.ts';
import type { KubeClient } from '#kube/client.ts';
import { type ApiFailure, hasCode } from '#kube/failures.ts';
import { listPages } from '#kube/list-pages.ts';
import { type ResourcePlace, resourcePath } from '#kube/paths.ts';
import { forEachInTurns } from '#telemetry/in-turns.ts';
import type { Log } from '#telemetry/log.ts';

/**
 * What is written of monitored images, kuik v2's statuses included, with the ConfigMaps that hold what
 * a status has no room for: each call is one try, and what it meets is its answer.
 */
export class AvailabilityStore {
  readonly #log: Log;
  readonly #client: Pick<KubeClient, 'call'>;
  readonly #namespace: string;

  /** `namespace` is the operator's own, where the overflow is kept. */
  constructor(
    { log }: Pick<Runtime, 'log'>,
    {
      client,
      namespace,
    }: { readonly client: Pick<KubeClient, 'call'>; readonly namespace: string },
  ) {
    this.#log = log;
    this.#client = client;
    this.#namespace = namespace;
  }

  /**
   * What a resource's status and its overflow say that was tracked; one try. A failure is no answer:
   * whoever took it for one would have all checked again.
   */
  readonly restore = async (
    resource: string,
    signal: AbortSignal,
  ): Promise<Result<readonly TrackedImage[], ApiFailure>> => {
    const bounded = AbortSignal.any([signal, AbortSignal.timeout(readTimeoutMs)]);
    const stored = await this.read(resource, bounded);
    if (stored.ok) return succeed(await readImages(resource, stored.value));
    const failure = stored.error;
    const message = 'what was monitored cannot be read yet';
    if (!signal.aborted) this.#log.warn({ resource, failure }, message);
    return stored;
  };

  /** Reads the whole of a resource as it is this moment; undefined when there is none. */
  readonly read = async (
    name: string,
    signal: AbortSignal,
  ): Promise<Result<StoredStatus | undefined, ApiFailure>> => {
    const path = resourcePath(placeOf(name));
    const found = await this.#client.call<StoredObject>({ method: 'GET', path }, signal);
    if (!found.ok) return hasCode(found.error, 404) ? succeed(undefined) : found;
    const { metadata, status } = found.value;
    const owner = ownerOf(name, metadata.uid);
    const isBeingDeleted = metadata.deletionTimestamp !== undefined;
    const shards = await this.#readShards(owner, signal);
    if (shards.ok) return succeed({ owner, isBeingDeleted, status, shards: shards.value });
    // Who may not read them never wrote one, unless the status says that there is more.
    const isNone = hasCode(shards.error, 403) && !hasOverflow(status);
    if (!isNone) return shards;
    this.#log.warn({ resource: name, failure: shards.error }, 'the overflow may not be read');
    return succeed({ owner, isBeingDeleted, status, shards: [] });
  };

  /** Makes the status say this, whoever wrote these fields before; the others stay as they are. */
  readonly writeStatus = (
    { kind, name, uid }: StatusOwner,
    status: ClusterImageSetAvailabilityStatus,
    signal: AbortSignal,
  ): Promise<Result<unknown, ApiFailure>> => {
    // With the uid: one that was made anew under the same name is another resource.
    const object = { apiVersion, kind, metadata: { name, uid }, status };
    return this.#apply({ ...placeOf(name), subresource: 'status' }, object, signal);
  };

  readonly writeShard = (
    owner: StatusOwner,
    shard: StoredShard,
    signal: AbortSignal,
  ): Promise<Result<unknown, ApiFailure>> => {
    const name = shardName(owner, shard.prefix);
    const object = configMapOf(owner, { name, namespace: this.#namespace, text: shard.text });
    return this.#apply(this.#shardPlace(name), object, signal);
  };

  readonly removeShard = (
    owner: StatusOwner,
    prefix: string,
    signal: AbortSignal,
  ): Promise<Result<void, ApiFailure>> => {
    const place = this.#shardPlace(shardName(owner, prefix));
    return deleteObject(this.#client, { place }, signal);
  };

  #apply(place: ResourcePlace, object: object, signal: AbortSignal) {
    return applyObject<unknown>(this.#client, { place, object, options: { fieldManager } }, signal);
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
      query: { labelSelector: `${ownerUidLabel}=${owner.uid}` },
      pageObjects: pageShardsMax,
    };
    const shards: StoredShard[] = [];
    for await (const page of listPages<StoredConfigMap>(this.#client, listing, signal)) {
      if (!page.ok) return page;
      shards.push(...shardsOf(owner, page.value.items));
    }
    return succeed(shards);
  }

  #shardPlace(name?: string): ResourcePlace {
    const place = { group: '', version: 'v1', plural: 'configmaps', namespace: this.#namespace };
    return name === undefined ? place : { ...place, name };
  }
}

/** A resource as the owner of objects, and as what events are about. */
export interface StatusOwner {
  readonly apiVersion: string;
  readonly kind: KuikKind;
  readonly name: string;
  readonly uid: string;
}

/** A part of what a status has no room for. */
export interface StoredShard {
  readonly prefix: string;
  readonly text: string;
}

/** What the API server holds of one resource. */
export interface StoredStatus {
  readonly owner: StatusOwner;
  readonly isBeingDeleted: boolean;
  /** Undefined before the first write. */
  readonly status: ClusterImageSetAvailabilityStatus | undefined;
  readonly shards: readonly StoredShard[];
}

const kind = 'ClusterImageSetAvailability';
const fieldManager = 'kuik-availability';
const dataKey = 'images';
const readTimeoutMs = 30_000;
/** Some megabyte a page: to read it takes a few milliseconds of the event loop. */
const pageShardsMax = 4;
/** A list that changes under way is begun anew; so often in a row it is somebody's mistake. */
const restartsMax = 5;

/** A resource of that name and uid, as others name it. */
export function ownerOf(name: string, uid: string): StatusOwner {
  return { apiVersion, kind, name, uid };
}

/** Whether a status says that there is more than it lists. */
export function hasOverflow(status: ClusterImageSetAvailabilityStatus = {}): boolean {
  return (status.imageCount ?? 0) > (status.images?.length ?? 0);
}

function placeOf(name: string): ResourcePlace {
  return { group: apiGroup, version: apiVersionName, plural: pluralOf(kind), name };
}

interface StoredObject {
  readonly metadata: { readonly uid: string; readonly deletionTimestamp?: string };
  readonly status?: ClusterImageSetAvailabilityStatus;
}

interface StoredConfigMap {
  readonly metadata?: { readonly name?: string };
  readonly data?: Readonly<Record<string, string>>;
}

function shardsOf(owner: StatusOwner, items: readonly StoredConfigMap[]): readonly StoredShard[] {
  const whole = shardName(owner, '');
  return items.flatMap(({ metadata, data }) => {
    const name = metadata?.name ?? '';
    const prefix = name === whole ? '' : name.slice(whole.length + 1);
    // A label is anybody's to set; only our own names are read, and removed.
    if (!/^[01]*$/.test(prefix) || name !== shardName(owner, prefix)) return [];
    return [{ prefix, text: data?.[dataKey] ?? '' }];
  });
}

function shardName({ uid }: StatusOwner, prefix: string): string {
  return prefix === '' ? `kuik-overflow-${uid}` : `kuik-overflow-${uid}-${prefix}`;
}

function configMapOf(
  owner: StatusOwner,
  shard: { readonly name: string; readonly namespace: string; readonly text: string },
): object {
  return {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: {
      name: shard.name,
      namespace: shard.namespace,
      labels: {
        'app.kubernetes.io/managed-by': 'kuik',
        'kuik.enix.io/owner-kind': owner.kind,
        [ownerUidLabel]: owner.uid,
      },
      // The garbage collector takes the shards when their resource goes.
      ownerReferences: [owner],
    },
    data: { [dataKey]: shard.text },
  };
}

async function readImages(
  resource: string,
  stored: StoredStatus | undefined,
): Promise<readonly TrackedImage[]> {
  // A round that was aborted leaves an image in both places; the status was written last.
  const merger = createImageMerger();
  const read = (entries: readonly unknown[]) =>
    forEachInTurns(entries, (entry) => {
      const image = readMonitoredImage(resource, entry);
      if (image !== undefined) merger.add(image);
    });
  await read(stored?.status?.images ?? []);
  for (const { text } of stored?.shards ?? []) {
    await nextTurn();
    await read(decodeShard(text));
  }
  return merger.all();
}
