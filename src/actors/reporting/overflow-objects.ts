import { ownerUidLabel } from '#actors/secrets/secret-copy.ts';
import type { KuikKind } from '#api/kinds.ts';
import type { Listing } from '#kube/list-pages.ts';
import { isObjectPath, type ResourcePlace, resourcePath } from '#kube/paths.ts';

/** A part of what a status has no room for. */
export interface StoredShard {
  readonly prefix: string;
  readonly text: string;
}

/** Where a resource is found. */
export interface StatusIdentity {
  readonly kind: KuikKind;
  /** Absent of cluster-scoped kinds. */
  readonly namespace?: string;
  readonly name: string;
}

/** A resource as the owner of objects, and as what events are about. */
export interface StatusOwner extends StatusIdentity {
  readonly apiVersion: string;
  readonly uid: string;
}

/** A ConfigMap, as far as shards are read from it. */
export interface StoredConfigMap {
  readonly metadata?: {
    readonly name?: string;
    readonly uid?: string;
    readonly labels?: Readonly<Record<string, string>>;
    readonly annotations?: Readonly<Record<string, string>>;
  };
  readonly data?: Readonly<Record<string, string>>;
}

/** Which kind's overflow a ConfigMap is. */
const ownerKindLabel = 'kuik.enix.io/owner-kind';
/** Where a namespaced resource is found again: a name may be too long for a label. */
const ownerAnnotation = 'kuik.enix.io/owner';

/** The ConfigMaps of one namespace, or one of them. */
export function overflowPlace(namespace: string, name?: string): ResourcePlace {
  const place = { group: '', version: 'v1', plural: 'configmaps', namespace };
  return name === undefined ? place : { ...place, name };
}

/** In the place of the bits: what was recorded since the last time that all was written. */
export const journalPrefix = 'new';

const dataKey = 'images';

/** What the ConfigMaps of a resource are listed by. */
export function overflowSelector({ uid }: Pick<StatusOwner, 'uid'>): string {
  return `${ownerUidLabel}=${uid}`;
}

/** All ConfigMaps of the overflow of a kind, without what they hold. */
export function overflowListing(namespace: string, kind: KuikKind): Listing {
  return {
    path: resourcePath(overflowPlace(namespace)),
    query: { labelSelector: `${ownerKindLabel}=${kind}` },
    accept: 'application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1',
    pageObjects: pageMetadataMax,
  };
}

/** A ConfigMap with the overflow of a resource in another namespace. */
export interface NamespacedShard {
  readonly name: string;
  readonly uid: string;
  readonly ownerUid: string;
  readonly owner: StatusIdentity;
}

/** A ConfigMap as one of these; undefined where its name, label or annotation says otherwise. */
export function namespacedShard({ metadata = {} }: StoredConfigMap): NamespacedShard | undefined {
  const { name = '', uid, labels = {}, annotations = {} } = metadata;
  const ownerUid = labels[ownerUidLabel] ?? '';
  const [kind, namespace = '', owner = '', ...more] = (annotations[ownerAnnotation] ?? '').split(
    '/',
  );
  const isPlace = isObjectPath(`/${namespace}/${owner}`) && more.length === 0;
  if (uid === undefined || ownerUid === '' || !isPlace) return undefined;
  if (kind !== 'ImageSetMirror' || shardPrefix(ownerUid, name) === undefined) return undefined;
  return { name, uid, ownerUid, owner: { kind, namespace, name: owner } };
}

/** Some hundred kilobytes. */
const pageMetadataMax = 500;

/** The prefix of a shard by the name of its ConfigMap; undefined where that is none of this owner's. */
function shardPrefix(uid: string, name: string): string | undefined {
  const whole = shardName({ uid }, '');
  const prefix = name === whole ? '' : name.slice(whole.length + 1);
  return (prefix === journalPrefix || /^[01]*$/.test(prefix)) && name === shardName({ uid }, prefix)
    ? prefix
    : undefined;
}

/** The shards of a resource among ConfigMaps: a label is anybody's to set, so the name decides. */
export function shardsOf(
  { uid }: StatusOwner,
  items: readonly StoredConfigMap[],
): readonly StoredShard[] {
  return items.flatMap(({ metadata, data }) => {
    const prefix = shardPrefix(uid, metadata?.name ?? '');
    return prefix === undefined ? [] : [{ prefix, text: data?.[dataKey] ?? '' }];
  });
}

/** The name of a shard's ConfigMap. */
export function shardName({ uid }: Pick<StatusOwner, 'uid'>, prefix: string): string {
  return prefix === '' ? `kuik-overflow-${uid}` : `kuik-overflow-${uid}-${prefix}`;
}

/** A shard as the API server keeps it. */
export function shardObject(
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
        [ownerKindLabel]: owner.kind,
        [ownerUidLabel]: owner.uid,
      },
      ...ownedBy(owner),
    },
    data: { [dataKey]: shard.text },
  };
}

/**
 * The garbage collector takes the shards when their resource goes; those of a resource in another
 * namespace, which can own nothing here, go with `orphaned-overflow.ts`.
 */
function ownedBy({ apiVersion, kind, namespace, name, uid }: StatusOwner): object {
  if (namespace === undefined) {
    return { ownerReferences: [{ apiVersion, kind, name, uid }] };
  }
  return { annotations: { [ownerAnnotation]: `${kind}/${namespace}/${name}` } };
}
