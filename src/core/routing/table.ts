import { type KuikResource, resourceName } from '#api/kinds.ts';
import { memoize } from '#core/bounded-map.ts';
import type { Result } from '#core/result.ts';
import type { FieldProblem, SpecProblem } from '#core/spec-problem.ts';
import { compileResource, problemOf } from './compile-resource.ts';
import type {
  CompiledAvailability,
  CompiledMirror,
  CompiledResource,
  CompiledSet,
  MirrorMatch,
  NamedImage,
  UpstreamMatch,
} from './compiled.ts';

/** All resources, compiled: one immutable snapshot, of which routing asks everything it asks. */
export interface RoutingTable {
  /** What resources must be told, those that are left out included. */
  readonly problems: readonly SpecProblem[];
  readonly availabilities: readonly CompiledAvailability[];
  /** The sets of which an upstream matches the image, as far as a Pod of this namespace may ask. */
  readonly setsFor: (image: NamedImage, namespace: string) => readonly SetVerdict[];
  /** The mirrors that cover the image, as far as a Pod of this namespace may ask. */
  readonly mirrorsFor: (image: NamedImage, namespace: string) => readonly MirrorVerdict[];
  /** One resource by `Kind/[namespace/]name`. */
  readonly find: (origin: string) => CompiledResource | undefined;
  /** What the next snapshot may take over. */
  readonly entries: ReadonlyMap<string, TableEntry>;
}

/** A set, and the upstream of it that matches. */
export interface SetVerdict {
  readonly set: CompiledSet;
  readonly match: UpstreamMatch;
}

/** A mirror, and the pattern by which it covers an image. */
export interface MirrorVerdict {
  readonly mirror: CompiledMirror;
  readonly match: MirrorMatch;
}

/** One resource as it was compiled. */
export interface TableEntry {
  readonly resource: KuikResource;
  readonly outcome: Result<CompiledResource, FieldProblem>;
}

/**
 * Compiles all resources, in any order. A bad one is left out alone, with a word in `problems`; one
 * that is being deleted proposes nothing any more. What has not changed since `previous` is taken
 * over, with all that it remembers.
 */
export function compileTable(
  resources: readonly KuikResource[],
  previous?: RoutingTable,
): RoutingTable {
  const entries = new Map<string, TableEntry>();
  for (const resource of resources) {
    if (resource.metadata.deletionTimestamp !== undefined) continue;
    const origin = resourceName(resource);
    const known = previous?.entries.get(origin);
    const unchanged = known !== undefined && isSameSpec(known.resource, resource);
    entries.set(origin, unchanged ? known : { resource, outcome: compileResource(resource) });
  }
  const compiled = [...entries.values()].flatMap(({ outcome }) =>
    outcome.ok ? outcome.value : [],
  );
  const sets = compiled.filter((one) => one.type === 'set');
  const mirrors = compiled.filter((one) => one.type === 'mirror');
  return {
    entries,
    problems: [...entries.values()].flatMap(problemsOf),
    availabilities: compiled.filter((one) => one.type === 'availability'),
    find: (origin) => {
      const outcome = entries.get(origin)?.outcome;
      return outcome?.ok === true ? outcome.value : undefined;
    },
    setsFor: indexSets(sets),
    mirrorsFor: indexMirrors(mirrors),
  };
}

/** Same object in the cluster and same generation, which grows with each change of the spec. */
function isSameSpec(left: KuikResource, right: KuikResource): boolean {
  const { uid, generation } = left.metadata;
  if (left.spec === right.spec && uid === right.metadata.uid) return true;
  return (
    uid !== undefined &&
    generation !== undefined &&
    uid === right.metadata.uid &&
    generation === right.metadata.generation
  );
}

function problemsOf({ resource, outcome }: TableEntry): readonly SpecProblem[] {
  return outcome.ok ? outcome.value.problems : [problemOf(resource, 'InvalidSpec', outcome.error)];
}

/** A Pod asks the cluster-scoped sets and those of its namespace, with an upstream on its registry. */
function indexSets(sets: readonly CompiledSet[]): RoutingTable['setsFor'] {
  const keysOf = (set: CompiledSet) =>
    new Set(set.upstreams.map(({ location }) => indexKey(set, location.registry)));
  const index = groupBy(sets, keysOf);
  return rememberVerdicts((image, namespace) => {
    const { registry } = image.reference;
    return [`/${registry}`, `${namespace}/${registry}`]
      .flatMap((key) => index.get(key) ?? [])
      .flatMap((set) => {
        const match = set.match(image);
        return match === null ? [] : [{ set, match }];
      });
  });
}

function indexMirrors(mirrors: readonly CompiledMirror[]): RoutingTable['mirrorsFor'] {
  const index = groupBy(mirrors, (mirror) => [indexKey(mirror, '')]);
  return rememberVerdicts((image, namespace) =>
    ['/', `${namespace}/`]
      .flatMap((key) => index.get(key) ?? [])
      .flatMap((mirror) => {
        const match = mirror.match(image);
        return match === null ? [] : [{ mirror, match }];
      }),
  );
}

/** Images, each in one namespace, whose verdicts one table remembers: about 1 MB at most. */
const VERDICTS_MAX = 2_048;

/**
 * To ask 200 resources one by one costs more than all the rest of a review. What an image comes to is
 * the same for every Pod of a namespace as long as the table is.
 */
function rememberVerdicts<Verdict>(
  ask: (image: NamedImage, namespace: string) => readonly Verdict[],
): (image: NamedImage, namespace: string) => readonly Verdict[] {
  let asked: { readonly image: NamedImage; readonly namespace: string } | undefined;
  const memo = memoize<readonly Verdict[]>(VERDICTS_MAX, () =>
    asked === undefined ? [] : ask(asked.image, asked.namespace),
  );
  return (image, namespace) => {
    asked = { image, namespace };
    return memo(`${namespace} ${image.text}`);
  };
}

/** Before the slash the one namespace that a resource sees, nothing where it may see all. */
function indexKey({ scope }: CompiledResource, registry: string): string {
  return `${scope.ownNamespace ?? ''}/${registry}`;
}

function groupBy<Item>(
  items: readonly Item[],
  keysOf: (item: Item) => Iterable<string>,
): ReadonlyMap<string, readonly Item[]> {
  const groups = new Map<string, Item[]>();
  for (const item of items) {
    for (const key of keysOf(item)) {
      const group = groups.get(key);
      if (group === undefined) groups.set(key, [item]);
      else group.push(item);
    }
  }
  return groups;
}
