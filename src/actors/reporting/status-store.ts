import { ownerUidLabel } from '#actors/secrets/secret-copy.ts';
import { apiGroup, apiVersion, apiVersionName, type KuikKind, pluralOf } from '#api/kinds.ts';
import { type Result, succeed } from '#core/result.ts';
import { applyObject, deleteObject } from '#kube/apply.ts';
import type { KubeClient } from '#kube/client.ts';
import { type ApiFailure, hasCode } from '#kube/failures.ts';
import { listPages } from '#kube/list-pages.ts';
import { type ResourcePlace, resourcePath } from '#kube/paths.ts';
import type { Log } from '#telemetry/log.ts';

/**
 * The statuses of one kind, with the ConfigMaps in the operator's namespace that hold what they have
 * no room for: each call is one try, and what it meets is its answer.
 */
export class StatusStore<TStatus extends object> {
  readonly #options: StatusStoreOptions<TStatus>;

  constructor(options: StatusStoreOptions<TStatus>) {
    this.#options = options;
  }

  /** Reads the whole of a resource as it is this moment; undefined when there is none. */
  readonly read = async (
    name: string,
    signal: AbortSignal,
  ): Promise<Result<StoredStatus<TStatus> | undefined, ApiFailure>> => {
    const { client, log, isBeyond } = this.#options;
    const path = resourcePath(this.#placeOf(name));
    const found = await client.call<StoredObject<TStatus>>({ method: 'GET', path }, signal);
    if (!found.ok) return hasCode(found.error, 404) ? succeed(undefined) : found;
    const { metadata, status } = found.value;
    const owner = this.ownerOf(name, metadata.uid);
    const isBeingDeleted = metadata.deletionTimestamp !== undefined;
    const shards = await this.#readShards(owner, signal);
    if (shards.ok) return succeed({ owner, isBeingDeleted, status, shards: shards.value });
    // Who may not read them never wrote one, unless the status says that there is more.
    const isNone = hasCode(shards.error, 403) && (status === undefined || !isBeyond(status));
    if (!isNone) return shards;
    log.warn({ resource: name, failure: shards.error }, 'the overflow may not be read');
    return succeed({ owner, isBeingDeleted, status, shards: [] });
  };

  readonly ownerOf = (name: string, uid: string): StatusOwner => {
    return { apiVersion, kind: this.#options.kind, name, uid };
  };

  /** Makes the status say this, whoever wrote these fields before; the others stay as they are. */
  readonly writeStatus = (
    { kind, name, uid }: StatusOwner,
    status: TStatus,
    signal: AbortSignal,
  ): Promise<Result<unknown, ApiFailure>> => {
    // With the uid: one that was made anew under the same name is another resource.
    const object = { apiVersion, kind, metadata: { name, uid }, status };
    return this.#apply({ ...this.#placeOf(name), subresource: 'status' }, object, signal);
  };

  readonly writeShard = (
    owner: StatusOwner,
    shard: StoredShard,
    signal: AbortSignal,
  ): Promise<Result<unknown, ApiFailure>> => {
    const name = shardName(owner, shard.prefix);
    const { namespace } = this.#options;
    const object = configMapOf(owner, { ...{ name, namespace }, text: shard.text });
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
      query: { labelSelector: `${ownerUidLabel}=${owner.uid}` },
      pageObjects: pageShardsMax,
    };
    const shards: StoredShard[] = [];
    for await (const page of listPages<StoredConfigMap>(this.#options.client, listing, signal)) {
      if (!page.ok) return page;
      shards.push(...shardsOf(owner, page.value.items));
    }
    return succeed(shards);
  }

  #placeOf(name: string): ResourcePlace {
    const plural = pluralOf(this.#options.kind);
    return { group: apiGroup, version: apiVersionName, plural, name };
  }

  #shardPlace(name?: string): ResourcePlace {
    const { namespace } = this.#options;
    const place = { group: '', version: 'v1', plural: 'configmaps', namespace };
    return name === undefined ? place : { ...place, name };
  }
}

/** What is kept of a resource in statuses, and where. */
export interface StatusStoreOptions<TStatus> {
  readonly client: Pick<KubeClient, 'call'>;
  readonly log: Log;
  /** Cluster-scoped: its resources may own objects anywhere. */
  readonly kind: KuikKind;
  /** The operator's own, where the overflow is kept. */
  readonly namespace: string;
  /** One for all that this store writes. */
  readonly fieldManager: string;
  /** Whether a status says that there is more than it lists. */
  readonly isBeyond: (status: TStatus) => boolean;
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
export interface StoredStatus<TStatus> {
  readonly owner: StatusOwner;
  readonly isBeingDeleted: boolean;
  /** Undefined before the first write. */
  readonly status: TStatus | undefined;
  readonly shards: readonly StoredShard[];
}

const dataKey = 'images';
/** Some megabyte a page: to read it takes a few milliseconds of the event loop. */
const pageShardsMax = 4;
/** A list that changes under way is begun anew; so often in a row it is somebody's mistake. */
const restartsMax = 5;

interface StoredObject<TStatus> {
  readonly metadata: { readonly uid: string; readonly deletionTimestamp?: string };
  readonly status?: TStatus;
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
