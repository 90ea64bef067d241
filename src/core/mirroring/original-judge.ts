import type { ImageReference } from '#core/image/reference.ts';
import type { CompiledMirrorEntry, CompiledSet, CompiledUpstream } from '#core/routing/compiled.ts';
import { imageBelow, pathBelow } from '#core/routing/location.ts';
import type { RoutingTable } from '#core/routing/table.ts';
import { placeKey } from './copy-places.ts';

/** Who may have put a Pod's image in the place of what its annotation calls the original. */
export type Rewriter = 'mirror' | 'upstream';

/** What a Pod's annotation says of one of its containers. */
export interface BelievedRewrite {
  readonly original: ImageReference;
  readonly now: ImageReference;
  /** Of the Pod. */
  readonly namespace: string;
}

/** Says whether annotations can be believed (behaviour §5 and §10). */
export interface OriginalJudge {
  /** `undefined`: nobody of ours did, so the annotation makes nothing an original. */
  readonly judge: (rewrite: BelievedRewrite) => Rewriter | undefined;
  /** Whether what was judged may be judged otherwise once more, or less, is recorded at this place. */
  readonly dependsOn: (key: string) => boolean;
}

/**
 * Whether a status records a copy of the original at that place, both as `placeKey`, of a resource
 * that is about this namespace.
 */
export type IsRecorded = (copyKey: string, originalKey: string, namespace: string) => boolean;

/**
 * Believes an annotation where the live image is what a resource would propose for that original by
 * location alone (filters aside), or a copy that a status records for it: a resource that is being
 * deleted, or has a mistake, stands in no table. What another namespace declares says nothing.
 */
export function createOriginalJudge(
  table: Pick<RoutingTable, 'entries'>,
  isRecorded: IsRecorded,
): OriginalJudge {
  const locations = locationsOf(table);
  const consulted = new Set<string>();
  return {
    judge: ({ original, now, namespace }) => {
      const key = placeKey(now);
      const bases = basesOf(locations, original, namespace);
      const entries = (locations.mirrors.get(now.registry) ?? []).filter(isAbout(namespace));
      if (entries.some(({ entry }) => isCopyOfOne(entry, bases, now))) return 'mirror';
      // Asked before the sets: what a mirror put there is never copied itself.
      consulted.add(key);
      if (isRecorded(key, placeKey(original), namespace)) return 'mirror';
      return bases.slice(1).some((base) => placeKey(base) === key) ? 'upstream' : undefined;
    },
    dependsOn: (key) => consulted.has(key),
  };
}

/** The places of a table, by registry. */
interface Locations {
  readonly upstreams: ReadonlyMap<string, readonly SetUpstream[]>;
  readonly mirrors: ReadonlyMap<string, readonly MirrorPlace[]>;
}

interface MirrorPlace {
  /** Of the resource; absent where it is cluster-scoped. */
  readonly ownNamespace: string | undefined;
  readonly entry: CompiledMirrorEntry;
}

interface SetUpstream {
  readonly ownNamespace: string | undefined;
  readonly set: CompiledSet;
  readonly upstream: CompiledUpstream;
}

function locationsOf(table: Pick<RoutingTable, 'entries'>): Locations {
  const compiled = [...table.entries.values()].flatMap(({ outcome }) =>
    outcome.ok ? outcome.value : [],
  );
  const upstreams = compiled.flatMap((one) =>
    one.type === 'set'
      ? one.upstreams.map((upstream) => {
          return { ownNamespace: one.identity.namespace, set: one, upstream };
        })
      : [],
  );
  const mirrors = compiled.flatMap((one) =>
    one.type === 'mirror'
      ? one.entries.map((entry) => ({ ownNamespace: one.identity.namespace, entry }))
      : [],
  );
  return {
    upstreams: Map.groupBy(upstreams, ({ upstream }) => upstream.location.registry),
    mirrors: Map.groupBy(mirrors, ({ entry }) => entry.location.registry),
  };
}

function isAbout(namespace: string) {
  return ({ ownNamespace = namespace }: { readonly ownNamespace?: string | undefined }): boolean =>
    ownNamespace === namespace;
}

/** The original, then what sets put beside it. */
function basesOf(
  { upstreams }: Locations,
  original: ImageReference,
  namespace: string,
): readonly ImageReference[] {
  const declared = (upstreams.get(original.registry) ?? []).filter(isAbout(namespace));
  const others = declared.flatMap(({ set, upstream }) => {
    const rest = pathBelow(upstream.location, original);
    if (rest === undefined) return [];
    return set.upstreams.flatMap((other) =>
      other === upstream ? [] : (imageBelow(other.location, rest, original) ?? []),
    );
  });
  return [original, ...others];
}

function isCopyOfOne(
  { location }: CompiledMirrorEntry,
  bases: readonly ImageReference[],
  now: ImageReference,
): boolean {
  if (pathBelow(location, now) === undefined) return false;
  const key = placeKey(now);
  return bases.some((base) => {
    if (pathBelow(location, base) !== undefined) return false;
    const copy = imageBelow(location, base.path, base);
    return copy !== undefined && placeKey(copy) === key;
  });
}
