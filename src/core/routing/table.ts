import { type KuikResource, resourceName } from '#api/kinds.ts';
import { BoundedMap } from '#core/bounded-map.ts';
import type { MatchSteps } from '#core/filter/full-match.ts';
import { patternCompiler } from '#core/filter/pattern.ts';
import type { Result } from '#core/result.ts';
import type { FieldProblem, SpecProblem } from '#core/spec-problem.ts';
import { drain } from '#core/steps.ts';
import { compileResource, patternsOf, problemOf } from './compile-resource.ts';
import {
  type CompiledAvailability,
  type CompiledBase,
  type CompiledMirror,
  type CompiledResource,
  type CompiledSet,
  type ImageMatch,
  MATCH_STEPS_MAX,
  type NamedImage,
  type UpstreamMatch,
} from './compiled.ts';
import { KnownCopies } from './known-copies.ts';

/** All resources, compiled: one immutable snapshot, of which routing asks everything it asks. */
export interface RoutingTable {
  /** What resources must be told, those that are left out included. */
  readonly problems: readonly SpecProblem[];
  readonly availabilities: readonly CompiledAvailability[];
  /** The sets of which an upstream matches the image, as far as a Pod of this namespace may ask. */
  readonly setsFor: Lookup<CompiledSet, UpstreamMatch>;
  /** The mirrors that cover the image, as far as a Pod of this namespace may ask. */
  readonly mirrorsFor: Lookup<CompiledMirror, ImageMatch>;
  /** What statuses say of copies: not part of the snapshot, but what is known by now. */
  readonly copies: KnownCopies;
  /** Of the cluster's nodes; absent until they are known. */
  readonly architectures?: ReadonlySet<string>;
  /** One resource by `Kind/[namespace/]name`. */
  readonly find: (origin: string) => CompiledResource | undefined;
  /** What the next snapshot may take over. */
  readonly entries: ReadonlyMap<string, TableEntry>;
}

/** Finds what matches an image, for a Pod of that namespace; yields where others may go in between. */
type Lookup<Compiled, Match> = (
  image: NamedImage,
  namespace: string,
) => Generator<void, Found<Compiled, Match>>;

/** What was found for an image. */
export interface Found<Compiled, Match> {
  readonly verdicts: readonly Verdict<Compiled, Match>[];
  /** `Kind/[namespace/]name` of the resources whose patterns took too many steps (behaviour §10). */
  readonly exhausted: readonly string[];
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

/** The same as `compileInSteps`, at once. */
export function compileTable(
  resources: readonly KuikResource[],
  previous?: RoutingTable,
): RoutingTable {
  return drain(compileInSteps(resources, previous));
}

/**
 * Compiles all resources, in any order. A bad one is left out alone, with a word in `problems`; one
 * that is being deleted proposes nothing any more. What has not changed since `previous` is taken
 * over, with all that it remembers. Yields after each pattern, where others may go in between.
 */
export function* compileInSteps(
  resources: readonly KuikResource[],
  previous?: RoutingTable,
): Generator<void, RoutingTable> {
  const entries = new Map<string, TableEntry>();
  const origins = new Set<string>();
  const { copies, architectures } = previous ?? { copies: new KnownCopies() };
  for (const resource of resources) {
    const origin = resourceName(resource);
    copies.read(resource);
    origins.add(origin);
    if (resource.metadata.deletionTimestamp !== undefined) continue;
    const known = previous?.entries.get(origin);
    const unchanged = known !== undefined && isSameSpec(known.resource, resource);
    entries.set(origin, unchanged ? known : yield* compileEntry(resource));
    yield;
  }
  copies.keepOnly(origins);
  return withArchitectures({ ...tableOf(entries), copies }, architectures);
}

/**
 * Takes in what the status of this resource says now; false where that is not all that is new about
 * it, and the table has to be compiled.
 */
export function takeStatus({ entries, copies }: RoutingTable, resource: KuikResource): boolean {
  const known = entries.get(resourceName(resource));
  const isGoing = resource.metadata.deletionTimestamp !== undefined;
  const isSame = known !== undefined && isSameSpec(known.resource, resource);
  // What is being deleted is in no table, whatever it says.
  if (isGoing ? known !== undefined : !isSame) return false;
  copies.read(resource);
  return true;
}

function* compileEntry(resource: KuikResource): Generator<void, TableEntry> {
  const compile = patternCompiler();
  for (const pattern of patternsOf(resource)) {
    compile(pattern);
    yield;
  }
  return { resource, outcome: compileResource(resource, compile) };
}

function tableOf(entries: RoutingTable['entries']): Omit<RoutingTable, 'copies' | 'architectures'> {
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

/** The same table for a cluster with nodes of these architectures. */
export function withArchitectures(
  table: RoutingTable,
  architectures: RoutingTable['architectures'],
): RoutingTable {
  if (architectures === undefined || architectures === table.architectures) return table;
  return { ...table, architectures };
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

/** A Pod asks the cluster-scoped resources and those of its namespace that know the registry. */
function index<Compiled extends CompiledBase, Match>(
  all: readonly Matching<Compiled, Match>[],
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
  const memory = new BoundedMap<string, Found<Compiled, Match>>(FOUND_MAX);
  return function* find(image, namespace) {
    const key = `${namespace} ${image.text}`;
    const known = memory.get(key);
    if (known !== undefined) return known;
    const asked = ['', namespace]
      .flatMap((owner) => [`${owner}/${image.reference.registry}`, `${owner}/${anyRegistry}`])
      .flatMap((group) => groups.get(group) ?? []);
    const found = yield* askAll(asked, image, namespace);
    if (key.length <= KEY_CHARACTERS_MAX) memory.set(key, found);
    return found;
  };
}

function* askAll<Compiled extends CompiledBase, Match>(
  asked: readonly Matching<Compiled, Match>[],
  image: NamedImage,
  namespace: string,
): Generator<void, Found<Compiled, Match>> {
  const verdicts: Verdict<Compiled, Match>[] = [];
  const exhausted: string[] = [];
  let spent = 0;
  for (const compiled of asked) {
    const { match, stepsLeft } = askOne(compiled, image, namespace);
    if (match === 'exhausted') exhausted.push(compiled.origin);
    else if (match !== null) verdicts.push({ compiled, match });
    // Most resources are about other images, which costs next to nothing to see.
    spent += MATCH_STEPS_MAX - stepsLeft + STEPS_TO_ASK;
    if (spent < STEPS_BEFORE_OTHERS) continue;
    spent = 0;
    yield;
  }
  return { verdicts, exhausted };
}

function askOne<Compiled extends CompiledBase, Match>(
  compiled: Matching<Compiled, Match>,
  image: NamedImage,
  namespace: string,
): { readonly match: Match | 'exhausted' | null; readonly stepsLeft: number } {
  const steps = { left: MATCH_STEPS_MAX };
  const match = compiled.match(image, steps);
  const isExhausted = steps.left < 0;
  const isAbout = match === null && !isExhausted ? false : compiled.matchesNamespace(namespace);
  if (isAbout === false) return { match: null, stepsLeft: steps.left };
  return { match: isExhausted || isAbout === null ? 'exhausted' : match, stepsLeft: steps.left };
}

/** What it costs to ask a resource at all, in steps. */
const STEPS_TO_ASK = 50;
/** After so many, some 0.1 ms, others may go in between. */
const STEPS_BEFORE_OTHERS = 20_000;

/** A resource that can be asked about images. */
type Matching<Compiled, Match> = Compiled & {
  readonly match: (image: NamedImage, steps: MatchSteps) => Match | null;
};

/**
 * Images, each in one namespace, whose verdicts one table remembers: about 1 MB at most. To ask 200
 * resources one by one costs more than all the rest of a review, and what an image comes to is the
 * same for every Pod of a namespace as long as the table is.
 */
const FOUND_MAX = 2_048;
/** Longer names are looked up anew each time: a memory must not become a store of what people send. */
const KEY_CHARACTERS_MAX = 1_024;
