import { formatReference, type ImageReference } from '#core/image/reference.ts';
import type { CompiledMirror, CompiledSet } from './compiled.ts';
import { imageBelow, type Location, pathBelow } from './location.ts';
import type { RoutingTable } from './table.ts';

/** The claim that an image stands where it does because a Pod was rewritten. */
export interface RewriteClaim {
  /** What the Pod runs. */
  readonly image: ImageReference;
  /** What its annotation calls the original. */
  readonly original: ImageReference;
  /** Of the Pod: it sees cluster-scoped resources and those of its own namespace. */
  readonly namespace: string;
}

/**
 * Whether the image is a candidate of the original by the places that resources declare, filters and
 * discards aside: they may have changed since the Pod was rewritten. Only such a claim of an annotation,
 * which anybody can write, is believed (behaviour §5).
 */
export function isCandidateOf(table: Pick<RoutingTable, 'entries'>, claim: RewriteClaim): boolean {
  const { image, original, namespace } = claim;
  // Routing keeps both, so most claims that are wrong end here.
  if (image.tag !== original.tag || image.digest !== original.digest) return false;
  const text = formatReference(image);
  if (formatReference(original) === text) return true;
  const places = placesOf(table);
  const mirrors = visible(places.mirrors, image.registry, namespace);
  const isCopyOf = (base: ImageReference) =>
    mirrors.some((at) => pathBelow(at, image) === base.path && pathBelow(at, base) === undefined);
  if (isCopyOf(original)) return true;
  for (const base of equivalentsOf(places, original, namespace)) {
    if (formatReference(base) === text || isCopyOf(base)) return true;
  }
  return false;
}

/** Where the sets that know the original's place say that it lies, too. */
function equivalentsOf(
  { sets }: DeclaredPlaces,
  original: ImageReference,
  namespace: string,
): readonly ImageReference[] {
  return visible(sets, original.registry, namespace).flatMap((locations) => {
    const rests = locations.flatMap((location) => pathBelow(location, original) ?? []);
    return rests.flatMap((rest) =>
      locations.flatMap((location) => imageBelow(location, rest, original) ?? []),
    );
  });
}

/** By registry, and before it the one namespace that sees them, as all that a table declares. */
interface DeclaredPlaces {
  /** The upstreams of each set, under each of their registries. */
  readonly sets: ReadonlyMap<string, readonly (readonly Location[])[]>;
  /** The entries of all mirrors, under their own registry. */
  readonly mirrors: ReadonlyMap<string, readonly Location[]>;
}

/** Made when it is first asked for: a table is asked about each rewritten Pod. */
const remembered = new WeakMap<RoutingTable['entries'], DeclaredPlaces>();

function placesOf({ entries }: Pick<RoutingTable, 'entries'>): DeclaredPlaces {
  const known = remembered.get(entries) ?? readPlaces(entries);
  remembered.set(entries, known);
  return known;
}

function readPlaces(entries: RoutingTable['entries']): DeclaredPlaces {
  const sets = new Map<string, (readonly Location[])[]>();
  const mirrors = new Map<string, Location[]>();
  const proposing = [...entries.values()].flatMap(({ outcome }) =>
    outcome.ok && outcome.value.type !== 'availability' ? outcome.value : [],
  );
  for (const compiled of proposing) {
    const locations = locationsOf(compiled);
    const { ownNamespace = '' } = compiled.scope;
    const byRegistry = Map.groupBy(locations, ({ registry }) => `${ownNamespace}/${registry}`);
    for (const [key, there] of byRegistry) {
      if (compiled.type === 'set') add(sets, key, [locations]);
      else add(mirrors, key, there);
    }
  }
  return { sets, mirrors };
}

function locationsOf(compiled: CompiledSet | CompiledMirror): readonly Location[] {
  const entries = compiled.type === 'set' ? compiled.upstreams : compiled.entries;
  return entries.map(({ location }) => location);
}

function add<T>(map: Map<string, T[]>, key: string, more: readonly T[]): void {
  const known = map.get(key);
  if (known === undefined) map.set(key, [...more]);
  else known.push(...more);
}

function visible<T>(
  places: ReadonlyMap<string, readonly T[]>,
  registry: string,
  namespace: string,
): readonly T[] {
  return ['', namespace].flatMap((owner) => places.get(`${owner}/${registry}`) ?? []);
}
