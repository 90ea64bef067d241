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
  ImageMatch,
  NamedImage,
  UpstreamMatch,
} from './compiled.ts';

/** All resources, compiled: one immutable snapshot, of which routing asks everything it asks. */
export interface RoutingTable {
  /** What resources must be told, those that are left out included. */
  readonly problems: readonly SpecProblem[];
  readonly availabilities: readonly CompiledAvailability[];
  /** The sets of which an upstream matches the image, as far as a Pod of this namespace may ask. */
  readonly setsFor: Lookup<CompiledSet, UpstreamMatch>;
  /** The mirrors that cover the image, as far as a Pod of this namespace may ask. */
  readonly mirrorsFor: Lookup<CompiledMirror, ImageMatch>;
  /** One resource by `Kind/[namespace/]name`. */
  readonly find: (origin: string) => CompiledResource | undefined;
  /** What the next snapshot may take over. */
  readonly entries: ReadonlyMap<string, TableEntry>;
}

/** Finds what matches an image, for a Pod of that namespace. */
type Lookup<Compiled, Match> = (
  image: NamedImage,
  namespace: string,
) => readonly Verdict<Compiled, Match>[];

/** An image of a Pod, and where the Pod is. */
interface Asked {
  readonly image: NamedImage;
  readonly namespace: string;
}

/** A resource, and how it matches an image. */
export interface Verdict<Compiled, Match> {
  readonly compiled: Compiled;
  readonly match: Match;
}

/** One resource as it was compiled. */
interface TableEntry {
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
    setsFor: index(sets, ({ upstreams }) => upstreams.map(({ location }) => location.registry)),
    mirrorsFor: index(mirrors, () => [anyRegistry]),
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

/** In the place of a registry: the resource may match images of all of them. */
const anyRegistry = '';

/** Images, each in one namespace, whose verdicts one table remembers: about 1 MB at most. */
const VERDICTS_MAX = 2_048;

/**
 * A Pod asks the cluster-scoped resources and those of its namespace that know the registry. To ask
 * 200 of them one by one costs more than all the rest of a review, and what an image comes to is the
 * same for every Pod of a namespace as long as the table is.
 */
function index<Compiled extends Pick<CompiledResource, 'scope'>, Match>(
  all: readonly (Compiled & { readonly match: (image: NamedImage) => Match | null })[],
  registriesOf: (one: Compiled) => readonly string[],
): Lookup<Compiled, Match> {
  const groups = new Map<string, (typeof all)[number][]>();
  for (const one of all) {
    for (const registry of new Set(registriesOf(one))) {
      // Before the slash the one namespace that a resource sees, nothing where it may see all.
      const key = `${one.scope.ownNamespace ?? ''}/${registry}`;
      const group = groups.get(key) ?? [];
      group.push(one);
      groups.set(key, group);
    }
  }
  const remembered = memoize(VERDICTS_MAX, (_, { image, namespace }: Asked) =>
    ['', namespace]
      .flatMap((owner) => [`${owner}/${image.reference.registry}`, `${owner}/${anyRegistry}`])
      .flatMap((key) => groups.get(key) ?? [])
      .flatMap((compiled): readonly Verdict<Compiled, Match>[] => {
        const match = compiled.match(image);
        return match === null ? [] : [{ compiled, match }];
      }),
  );
  return (image, namespace) => remembered(`${namespace} ${image.text}`, { image, namespace });
}
