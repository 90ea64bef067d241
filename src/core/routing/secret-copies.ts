/** A Secret that a resource lends, as its copies must be. */
export interface CopySource {
  readonly ownerUid: string;
  /** The name of its copies, the same in every namespace. */
  readonly copyName: string;
  /**
   * Stands for what a copy must hold; absent where the source is gone, holds nothing for this
   * resource, or the resource is not in force: then copies stay as they are.
   */
  readonly content?: string;
  /** Whether the resource is about Pods of this namespace; its credentials go nowhere else. */
  readonly lendsTo: (namespace: string) => boolean;
}

/** A copy in the cluster, and what is remembered of it. */
export interface KnownCopy {
  readonly namespace: string;
  readonly name: string;
  /** By its label, which decides whose it is. */
  readonly ownerUid: string;
  /** What it held when last written or compared; absent when that is not known any more. */
  readonly content?: string;
  /** Since when no Pod was seen to need it, and none was promised it: monotonic ms. */
  readonly unneededSinceMs?: number;
}

/** What is to be done about the copies. */
export interface CopyPlan<Source extends CopySource, Copy extends KnownCopy> {
  readonly writes: readonly { readonly namespace: string; readonly source: Source }[];
  readonly deletions: readonly {
    readonly copy: Copy;
    readonly why: 'NotDeclared' | 'NotNeeded';
  }[];
  /** The copies that stay, with what is to be remembered of them. */
  readonly copies: readonly Copy[];
  /** When the next one falls due, if nothing changes. */
  readonly nextMs?: number;
}

/**
 * A copy that no Pod names may belong to one that is being stored, and a Deployment that is scaled
 * to none for a moment is soon back (behaviour §3.9).
 */
export const unneededMs = 600_000;

/**
 * Decides from the whole state which copies are written and which go. What is labelled with a
 * resource that is not there is left to Kubernetes' garbage collector.
 */
export function planSecretCopies<Source extends CopySource, Copy extends KnownCopy>(given: {
  readonly sources: readonly Source[];
  readonly copies: readonly Copy[];
  /** The uids of the resources that are there and stay. */
  readonly owners: ReadonlySet<string>;
  /** `namespace/name` of each pull secret that a Pod names. */
  readonly needs: ReadonlySet<string>;
  /** Whether the name of a copy that nobody declares fits a source and its owner (behaviour §10). */
  readonly isOurs: (copy: Copy) => boolean;
  /** Monotonic. */
  readonly nowMs: number;
}): CopyPlan<Source, Copy> {
  const { sources, copies, owners, needs, nowMs, isOurs } = given;
  const sourceOf = new Map(sources.map((one) => [keyOf(one.ownerUid, one.copyName), one]));
  const judged = copies.map((copy) => {
    const source = sourceOf.get(keyOf(copy.ownerUid, copy.name));
    // A label alone makes nothing ours: what is not known to be stays as it is.
    const owned = owners.has(copy.ownerUid) && (source !== undefined || isOurs(copy));
    const { unneededSinceMs: sinceMs = nowMs, ...rest } = copy;
    if (!owned) return { copy, kept: copy };
    if (source === undefined) return { copy, why: 'NotDeclared' as const };
    if (needs.has(`${copy.namespace}/${copy.name}`)) return { copy, source, kept: rest as Copy };
    const dueMs = sinceMs + unneededMs;
    if (dueMs <= nowMs) return { copy, why: 'NotNeeded' as const };
    return { copy, source, kept: { ...copy, unneededSinceMs: sinceMs }, dueMs };
  });
  const nextMs = judged.reduce(
    (least, { dueMs = Number.POSITIVE_INFINITY }) => Math.min(least, dueMs),
    Number.POSITIVE_INFINITY,
  );
  const there = new Set(copies.map(({ namespace, name }) => `${namespace}/${name}`));
  const byName = new Map(sources.map((source) => [source.copyName, source]));
  // Pods may name a copy that is not there, as when it went while they were being stored.
  const missing = [...needs.difference(there)].map((need) => {
    const [namespace = '', name = ''] = need.split('/');
    return { copy: { namespace, content: undefined }, source: byName.get(name) };
  });
  const writes = [...judged, ...missing].flatMap(({ copy: { namespace, content }, source }) =>
    source?.content === undefined || source.content === content || !source.lendsTo(namespace)
      ? []
      : [{ namespace, source }],
  );
  return {
    writes,
    deletions: judged.flatMap(({ copy, why }) => (why === undefined ? [] : [{ copy, why }])),
    copies: judged.flatMap(({ kept }) => kept ?? []),
    ...(Number.isFinite(nextMs) && { nextMs }),
  };
}

function keyOf(ownerUid: string, copyName: string): string {
  return `${ownerUid} ${copyName}`;
}
