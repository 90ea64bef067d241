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

/** An image, taken apart. */
export interface Image {
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
  const matches = concerned.flatMap((set) => matchOf(set, original));
  const alternatives = matches.flatMap((match) => alternativesOf(match, original)).sort(inOrder);
  const bases = [original, ...alternatives.map(({ image }) => readImage(image))];
  const copies = concerned.flatMap((mirror) => copiesOf(mirror, bases));
  const all = [...originalsOf(matches, original, subject), ...alternatives, ...copies];
  const discarded = matches.some(({ matched }) => matched.discardAlternative === true);
  const left = all
    .sort(inOrder)
    .filter(({ image }) => !discarded || image !== write(original))
    .map(({ image, by }) => ({ image, by }));
  return left.filter(({ image }, index) => left.findIndex((one) => one.image === image) === index);
}

/** A set, and the upstream that the original matches there: the first declared. */
interface Match {
  readonly set: ModelResource;
  readonly matching: number;
  readonly matched: ModelEntry;
}

function matchOf(set: ModelResource, original: Image): readonly Match[] {
  const upstreams = set.spec.upstreams ?? [];
  const matching = upstreams.findIndex((upstream) => matchesUpstream(upstream, original));
  const matched = upstreams[matching];
  return matched === undefined ? [] : [{ set, matching, matched }];
}

/** The original stands at its own place, and at its upstream's where that has a priority. */
function originalsOf(
  matches: readonly Match[],
  original: Image,
  { policy, honoursPrioritiesOnAlways }: ModelSubject,
): readonly Proposal[] {
  const isFirst = policy === 'Always' && !honoursPrioritiesOnAlways;
  const own: Place = [isFirst ? Number.NEGATIVE_INFINITY : 0, 0, 0, 0, '', '', 0];
  const given = matches
    .filter(({ matched }) => (matched.priority ?? 0) !== 0)
    .map(({ set, matching }) => placeOf(set, matching, 0));
  return [own, ...given].map((place) => ({ image: write(original), by: 'original', place }));
}

/** Every other upstream that is not discarded, with what follows the matching one's prefix. */
function alternativesOf({ set, matching, matched }: Match, original: Image): readonly Proposal[] {
  return (set.spec.upstreams ?? []).flatMap((upstream, index) => {
    if (index === matching || upstream.discardAlternative === true) return [];
    const image = makeImage(upstream, below(matched, original) ?? '', original.suffix);
    if (image === undefined) return [];
    return [{ image: write(image), by: nameOf(set), place: placeOf(set, index, 0) }];
  });
}

/** One a mirror entry and base: not of what the filter leaves out, nor of what lies there already. */
function copiesOf(mirror: ModelResource, bases: readonly Image[]): readonly Proposal[] {
  return (mirror.spec.mirrors ?? []).flatMap((entry, index) =>
    bases.flatMap((base, number) => {
      const isCovered = isIncluded(mirror.spec.imageFilter, spellings(base));
      if (!isCovered || below(entry, base) !== undefined) return [];
      const copy = makeImage(entry, base.path, base.suffix);
      if (copy === undefined) return [];
      return [{ image: write(copy), by: nameOf(mirror), place: placeOf(mirror, index, number) }];
    }),
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

/** Takes an image apart, normalised. */
export function readImage(text: string): Image {
  const [, name = '', suffix = ''] = /^(.*?)((?::[\w.-]+)?(?:@.*)?)$/.exec(text) ?? [];
  const [host = '', ...rest] = name.split('/');
  const named = rest.length > 0 && /[.:]|^localhost$/.test(host);
  const entry = named ? { registry: host } : { registry: 'docker.io' };
  const image = makeImage(entry, named ? rest.join('/') : name, suffix);
  if (image === undefined) throw new Error(`Expected an image, got ${text}.`);
  return image;
}

/** An image in its full form. */
export function write({ registry, path, suffix }: Image): string {
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
