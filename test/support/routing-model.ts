/**
 * Behaviour §3, points 3 to 6, said once more and as plainly as possible: slow, without an index, a
 * memory or a shared function of the code under test. Where the two disagree, the contract decides.
 */

/** A resource as a user writes it, as far as routing reads it. */
export interface ModelResource {
  readonly kind:
    | 'ClusterImageSetMirror'
    | 'ImageSetMirror'
    | 'ClusterReplicatedImageSet'
    | 'ReplicatedImageSet';
  readonly metadata: { readonly name: string; readonly namespace?: string };
  readonly spec: ModelSpec;
}

/** Lists of patterns or selectors. */
export interface ModelFilter {
  readonly include?: readonly string[];
  readonly exclude?: readonly string[];
}

/** The spec of any of the four kinds. */
export interface ModelSpec {
  readonly priority?: number;
  readonly imageFilter?: ModelFilter;
  readonly namespaceFilter?: ModelFilter;
  readonly podFilter?: { readonly labels?: ModelFilter };
  readonly upstreams?: readonly ModelEntry[];
  readonly mirrors?: readonly ModelEntry[];
}

/** An upstream or a mirror. */
export interface ModelEntry {
  readonly registry: string;
  readonly path?: string;
  readonly priority?: number;
  readonly imageFilter?: ModelFilter;
  readonly discardAlternative?: boolean;
}

/** One image of one Pod. */
export interface ModelSubject {
  readonly image: string;
  readonly policy: 'Always' | 'IfNotPresent';
  readonly honoursPrioritiesOnAlways: boolean;
  readonly namespace: string;
  readonly labels: Readonly<Record<string, string>>;
}

/** A candidate, and who proposes it. */
export interface ModelCandidate {
  readonly image: string;
  readonly by: string;
}

/** What the registries do. */
export interface ModelWorld {
  readonly timeoutMs: number;
  /** Of each image by its full form: the answer, and when it comes (never without). */
  readonly images: Readonly<Record<string, { readonly kind: string; readonly afterMs?: number }>>;
  readonly aside: readonly string[];
  readonly trusted: readonly string[];
}

interface Image {
  readonly registry: string;
  readonly path: string;
  /** Tag and digest with their marks, as written. */
  readonly suffix: string;
}

type Place = readonly (number | string)[];
interface Proposal extends ModelCandidate {
  readonly place: Place;
}

/** The candidates of one image in their order. */
export function modelCandidates(
  resources: readonly ModelResource[],
  subject: ModelSubject,
): readonly ModelCandidate[] {
  const original = readImage(subject.image);
  const concerned = resources.filter((resource) => concerns(resource, subject));
  const alternatives: Proposal[] = [];
  const originals: Place[] = [];
  let discarded = false;
  for (const set of concerned) {
    const upstreams = set.spec.upstreams ?? [];
    const matching = upstreams.findIndex((upstream) => matchesUpstream(upstream, original));
    const matched = upstreams[matching];
    if (matched === undefined) continue;
    if (matched.discardAlternative === true) discarded = true;
    // The original stands for its own upstream, where that has a priority.
    if ((matched.priority ?? 0) !== 0) originals.push(placeOf(set, matching, 0));
    for (const [index, upstream] of upstreams.entries()) {
      if (index === matching || upstream.discardAlternative === true) continue;
      const image = makeImage(upstream, below(matched, original) ?? '', original.suffix);
      if (image === undefined) continue;
      alternatives.push({ image: write(image), by: nameOf(set), place: placeOf(set, index, 0) });
    }
  }
  alternatives.sort(inOrder);
  const copies = copiesOf(concerned, [
    original,
    ...alternatives.map(({ image }) => readImage(image)),
  ]);
  const first = subject.policy === 'Always' && !subject.honoursPrioritiesOnAlways;
  originals.push([first ? Number.NEGATIVE_INFINITY : 0, 0, 0, 0, '', '', 0]);
  const written = write(original);
  const all = [
    ...originals.map((place) => ({ image: written, by: 'original', place })),
    ...alternatives,
    ...copies,
  ].sort(inOrder);
  const left = discarded ? all.filter(({ image }) => image !== written) : all;
  return left
    .filter(({ image }, index) => left.findIndex((one) => one.image === image) === index)
    .map(({ image, by }) => ({ image, by }));
}

function copiesOf(concerned: readonly ModelResource[], bases: readonly Image[]): Proposal[] {
  const copies: Proposal[] = [];
  for (const mirror of concerned) {
    for (const [index, entry] of (mirror.spec.mirrors ?? []).entries()) {
      for (const [base, image] of bases.entries()) {
        if (!isIncluded(mirror.spec.imageFilter, spellings(image))) continue;
        if (below(entry, image) !== undefined) continue;
        const copy = makeImage(entry, image.path, image.suffix);
        if (copy === undefined) continue;
        copies.push({
          image: write(copy),
          by: nameOf(mirror),
          place: placeOf(mirror, index, base),
        });
      }
    }
  }
  return copies;
}

/** What becomes of a Pod's image: which candidate is run, and why. */
export function modelDecision(
  candidates: readonly ModelCandidate[],
  subject: Pick<ModelSubject, 'image'>,
  world: ModelWorld,
): { readonly winner: string; readonly reason: string } {
  const original = write(readImage(subject.image));
  if (candidates.length > 0 && candidates.every(({ image }) => image === original)) {
    return { winner: subject.image, reason: 'OnlyCandidate' };
  }
  const statuses = answersOf(candidates, world);
  const index = statuses.indexOf('Available');
  const winner = candidates[index];
  if (winner === undefined) return { winner: subject.image, reason: 'NothingAvailable' };
  if (winner.image === original) return { winner: subject.image, reason: 'OriginalAvailable' };
  const place = candidates.findIndex(({ image }) => image === original);
  if (place < 0) return { winner: winner.image, reason: 'OriginalDiscarded' };
  if (index < place) return { winner: winner.image, reason: 'Preferred' };
  return { winner: winner.image, reason: `Original${statuses[place]}` };
}

/** The status of each; those set aside count only when nothing else is available. */
function answersOf(candidates: readonly ModelCandidate[], world: ModelWorld): readonly string[] {
  const isTrusted = ({ image }: ModelCandidate) =>
    world.trusted.includes(readImage(image).registry);
  const isAside = (one: ModelCandidate) =>
    !isTrusted(one) && world.aside.includes(readImage(one.image).registry);
  const askedAt = (one: ModelCandidate, startMs: number) => {
    if (isTrusted(one)) return { status: 'Available', atMs: startMs };
    const { kind, afterMs = Number.POSITIVE_INFINITY } = world.images[one.image] ?? {
      kind: 'NotFound',
      afterMs: 0,
    };
    const atMs = startMs + afterMs;
    return atMs < world.timeoutMs
      ? { status: kind, atMs }
      : { status: 'Unreachable', atMs: world.timeoutMs };
  };
  const first = candidates.map((one) =>
    isAside(one) ? { status: 'Unreachable', atMs: 0 } : askedAt(one, 0),
  );
  if (first.some(({ status }) => status === 'Available')) return first.map(({ status }) => status);
  const laterMs = Math.max(0, ...first.map(({ atMs }) => atMs));
  return candidates.map((one, index) =>
    isAside(one) ? askedAt(one, laterMs).status : (first[index]?.status ?? ''),
  );
}

/** Whether the resource is about this Pod. */
function concerns({ kind, metadata, spec }: ModelResource, subject: ModelSubject): boolean {
  if (!kind.startsWith('Cluster') && metadata.namespace !== subject.namespace) return false;
  const { include = [], exclude = [] } = spec.podFilter?.labels ?? {};
  const holds = (selector: string) => matchesSelector(selector, subject.labels);
  if (include.length > 0 && !include.some(holds)) return false;
  if (exclude.some(holds)) return false;
  return isEmpty(spec.namespaceFilter) || isIncluded(spec.namespaceFilter, [subject.namespace]);
}

/** `key`, `!key` and `key=value`; the model knows no more. */
function matchesSelector(selector: string, labels: Readonly<Record<string, string>>): boolean {
  if (selector.startsWith('!')) return labels[selector.slice(1)] === undefined;
  const [key = '', value] = selector.split('=');
  return value === undefined ? labels[key] !== undefined : labels[key] === value;
}

function matchesUpstream(upstream: ModelEntry, image: Image): boolean {
  if (below(upstream, image) === undefined) return false;
  const full = spellings(image);
  const afterRegistry = full.map((text) => text.slice(image.registry.length));
  return isIncluded(upstream.imageFilter, [...afterRegistry, ...full]);
}

function isEmpty({ include = [], exclude = [] }: ModelFilter = {}): boolean {
  return include.length + exclude.length === 0;
}

/** Whether a filter over images matches one of these spellings; an empty one matches nothing. */
function isIncluded(filter: ModelFilter | undefined, texts: readonly string[]): boolean {
  if (isEmpty(filter)) return false;
  const { include = [], exclude = [] } = filter ?? {};
  const holds = (pattern: string) =>
    texts.some((text) => new RegExp(`^(?:${pattern})$`).test(text));
  return (include.length === 0 || include.some(holds)) && !exclude.some(holds);
}

/** An image without tag and digest is also the one with `latest`. */
function spellings(image: Image): readonly string[] {
  const text = write(image);
  return image.suffix === '' ? [text, `${text}:latest`] : [text];
}

/** What is left of the image's path below an entry; undefined when it lies elsewhere. */
function below(entry: ModelEntry, image: Image): string | undefined {
  if (hostOf(entry.registry) !== image.registry) return undefined;
  const prefix = segments(entry.path ?? '');
  const path = segments(image.path);
  if (prefix.some((segment, index) => path[index] !== segment)) return undefined;
  return path.slice(prefix.length).join('/');
}

function makeImage(entry: ModelEntry, rest: string, suffix: string): Image | undefined {
  const registry = hostOf(entry.registry);
  const path = [...segments(entry.path ?? ''), ...segments(rest)];
  if (path.length === 0) return undefined;
  const isShort = registry === 'docker.io' && path.length === 1;
  return { registry, path: [...(isShort ? ['library'] : []), ...path].join('/'), suffix };
}

function readImage(text: string): Image {
  const [, name = '', suffix = ''] = /^(.*?)((?::[\w.-]+)?(?:@.*)?)$/.exec(text) ?? [];
  const [host = '', ...rest] = name.split('/');
  const named = rest.length > 0 && /[.:]|^localhost$/.test(host);
  const entry = named ? { registry: host } : { registry: 'docker.io' };
  const image = makeImage(entry, named ? rest.join('/') : name, suffix);
  if (image === undefined) throw new Error(`Expected an image, got ${text}.`);
  return image;
}

function write({ registry, path, suffix }: Image): string {
  return `${registry}/${path}${suffix}`;
}

function hostOf(registry: string): string {
  return registry === 'index.docker.io' ? 'docker.io' : registry;
}

function segments(path: string): readonly string[] {
  return path.split('/').filter((segment) => segment !== '');
}

function nameOf({ kind, metadata: { namespace, name } }: ModelResource): string {
  return namespace === undefined ? `${kind}/${name}` : `${kind}/${namespace}/${name}`;
}

const kinds = [
  'original',
  'ClusterImageSetMirror',
  'ImageSetMirror',
  'ClusterReplicatedImageSet',
  'ReplicatedImageSet',
];

/** What the contract compares, in its order. */
function placeOf({ kind, metadata, spec }: ModelResource, index: number, base: number): Place {
  const entry = (spec.upstreams ?? spec.mirrors ?? [])[index];
  return [
    ...[spec.priority ?? 0, kinds.indexOf(kind), entry?.priority ?? 0, index],
    ...[metadata.namespace ?? '', metadata.name, base],
  ];
}

function inOrder({ place: left }: Proposal, { place: right }: Proposal): number {
  for (const [index, one] of left.entries()) {
    const other = right[index] ?? 0;
    if (one !== other) return one < other ? -1 : 1;
  }
  return 0;
}
