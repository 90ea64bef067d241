import { ownerUidLabel } from '#actors/secrets/secret-copy.ts';
import { decodeShard } from '#core/monitoring/overflow.ts';
import { fail, type Result, succeed } from '#core/result.ts';
import { applyObject, deleteObject } from '#kube/apply.ts';
import type { KubeClient } from '#kube/client.ts';
import { type ApiFailure, hasCode } from '#kube/failures.ts';
import { type ResourcePlace, resourcePath } from '#kube/paths.ts';

/** The resource whose images are kept; cluster-scoped, so that it may own objects anywhere. */
export interface OverflowOwner {
  readonly apiVersion: string;
  readonly kind: string;
  readonly name: string;
  readonly uid: string;
}

/** One shard as it is stored. */
export interface StoredShard {
  readonly prefix: string;
  readonly text: string;
}

/** The ConfigMaps in the operator's namespace that hold what statuses have no room for. */
export interface OverflowShards {
  readonly read: (
    owner: OverflowOwner,
    signal: AbortSignal,
  ) => Promise<Result<readonly StoredShard[], ApiFailure>>;
  readonly write: (
    owner: OverflowOwner,
    shard: StoredShard,
    signal: AbortSignal,
  ) => Promise<Result<unknown, ApiFailure>>;
  readonly remove: (
    owner: OverflowOwner,
    prefix: string,
    signal: AbortSignal,
  ) => Promise<Result<void, ApiFailure>>;
}

const fieldManager = 'kuik-availability';
const dataKey = 'images';
/** Some megabyte a page: to read it takes a few milliseconds of the event loop. */
const pageShardsMax = 4;
/** A list that changes under way is begun anew; so often in a row it is somebody's mistake. */
const restartsMax = 5;

/** Names and reads the shards of one namespace. */
export function overflowShards(
  client: Pick<KubeClient, 'call'>,
  namespace: string,
): OverflowShards {
  const place = (name?: string): ResourcePlace => ({
    ...{ group: '', version: 'v1', plural: 'configmaps', namespace },
    ...(name !== undefined && { name }),
  });
  return {
    read: (owner, signal) => readAll(client, { path: resourcePath(place()), owner }, signal),
    write: (owner, shard, signal) => {
      const name = shardName(owner, shard.prefix);
      const object = configMapOf(owner, { ...shard, name, namespace });
      const options = { fieldManager };
      return applyObject(client, { place: place(name), object, options }, signal);
    },
    remove: (owner, prefix, signal) =>
      deleteObject(client, { place: place(shardName(owner, prefix)) }, signal),
  };
}

/** What a stored shard says, line by line. */
export function shardValues({ text }: StoredShard): readonly unknown[] {
  return decodeShard(text);
}

function shardName({ uid }: OverflowOwner, prefix: string): string {
  return prefix === '' ? `kuik-overflow-${uid}` : `kuik-overflow-${uid}-${prefix}`;
}

function configMapOf(
  { apiVersion, kind, name: ownerName, uid }: OverflowOwner,
  shard: StoredShard & { readonly name: string; readonly namespace: string },
): object {
  return {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: {
      name: shard.name,
      namespace: shard.namespace,
      labels: {
        'app.kubernetes.io/managed-by': 'kuik',
        'kuik.enix.io/owner-kind': kind,
        [ownerUidLabel]: uid,
      },
      // The garbage collector takes the shards when their resource goes.
      ownerReferences: [{ apiVersion, kind, name: ownerName, uid }],
    },
    data: { [dataKey]: shard.text },
  };
}

interface ConfigMapList {
  readonly metadata?: { readonly continue?: string };
  readonly items?: readonly {
    readonly metadata?: { readonly name?: string };
    readonly data?: Readonly<Record<string, string>>;
  }[];
}

interface Listing {
  readonly path: string;
  readonly owner: OverflowOwner;
}

async function readAll(
  client: Pick<KubeClient, 'call'>,
  listing: Listing,
  signal: AbortSignal,
): Promise<Result<readonly StoredShard[], ApiFailure>> {
  for (let restarts = 0; ; restarts += 1) {
    const answer = await readPages(client, listing, signal);
    const expired = !answer.ok && hasCode(answer.error, 410);
    if (!expired || restarts >= restartsMax) return answer;
  }
}

async function readPages(
  client: Pick<KubeClient, 'call'>,
  { path, owner }: Listing,
  signal: AbortSignal,
): Promise<Result<readonly StoredShard[], ApiFailure>> {
  const shards: StoredShard[] = [];
  let next: string | undefined;
  do {
    const query = {
      labelSelector: `${ownerUidLabel}=${owner.uid}`,
      limit: pageShardsMax,
      continue: next,
    };
    const page = await client.call<ConfigMapList>({ method: 'GET', path, query }, signal);
    if (!page.ok) return fail(page.error);
    shards.push(...shardsOf(owner, page.value));
    next = page.value.metadata?.continue || undefined;
  } while (next !== undefined);
  return succeed(shards);
}

function shardsOf(owner: OverflowOwner, { items = [] }: ConfigMapList): readonly StoredShard[] {
  const whole = shardName(owner, '');
  return items.flatMap(({ metadata, data }) => {
    const name = metadata?.name ?? '';
    const prefix = name === whole ? '' : name.slice(whole.length + 1);
    // A label is anybody's to set; only our own names are read, and removed.
    if (!/^[01]*$/.test(prefix) || name !== shardName(owner, prefix)) return [];
    return [{ prefix, text: data?.[dataKey] ?? '' }];
  });
}
