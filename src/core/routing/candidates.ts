import type { PodSubject } from '#core/filter/scope.ts';
import { formatReference, type ImageReference } from '#core/image/reference.ts';
import type { PullPolicy } from '#core/pod.ts';
import type { SecretName } from '#core/secret.ts';
import type { ResourceIdentity } from '#core/spec-problem.ts';
import type {
  CompiledEntry,
  CompiledMirror,
  CompiledSet,
  ImageMatch,
  NamedImage,
  UpstreamMatch,
} from './compiled.ts';
import type { CandidateOrigin } from './decision.ts';
import { imageBelow, pathBelow } from './location.ts';
import { type CandidatePlace, comparePlaces, FIRST_PLACE, ORIGINAL_PLACE } from './order.ts';
import type { RoutingPolicy } from './policy.ts';
import type { RoutingTable, Verdict } from './table.ts';

/** One image of one Pod, and all of the Pod that the order may depend on (behaviour §3.7). */
export interface RoutingSubject extends PodSubject {
  readonly image: ImageReference;
  readonly imagePullPolicy: PullPolicy;
}

/** An image that may stand in for the original, or the original itself. */
export interface Candidate {
  /** Full form, without a tag where the user wrote none. */
  readonly image: string;
  readonly reference: ImageReference;
  readonly by: CandidateOrigin;
  /** Whether it is the image that the user wrote, whoever proposes it. */
  readonly original: boolean;
  /**
   * What resources lend for it, in the order to try: the entry's own Secret; for the original those of
   * the upstreams that it matches, to be tried when none of the Pod's own is let in (behaviour §2).
   */
  readonly lent: readonly OwnedSecret[];
  /** The included pattern that matched, as written. */
  readonly filter?: string;
}

/** A Secret and the resource that declares it, which owns the copy beside the Pod. */
export interface OwnedSecret extends SecretName {
  readonly owner: ResourceIdentity;
}

/** All candidates for one image of one Pod, in order (behaviour §3.3 and §3.4). */
export function candidates(
  table: RoutingTable,
  subject: RoutingSubject,
  policy: Pick<RoutingPolicy, 'honorPrioritiesOnAlwaysImagePullPolicy'>,
): readonly Candidate[] {
  const { image, imagePullPolicy } = subject;
  const original = { reference: image, text: formatReference(image) };
  const matched = matchSets(table, subject, original);
  const equivalents = matched.flatMap((match) => proposeUpstreams(match, image));
  equivalents.sort(byPlace);
  const copies = proposeCopies(table, subject, [original, ...equivalents.map(imageOf)]);
  if (matched.length === 0 && copies.length === 0) return [originalCandidate(image, [])];
  const forced = imagePullPolicy === 'Always' && !policy.honorPrioritiesOnAlwaysImagePullPolicy;
  const proposals = [
    ...proposeOriginal(matched, image, forced ? FIRST_PLACE : ORIGINAL_PLACE),
    ...equivalents,
    ...copies,
  ].sort(byPlace);
  const discarded = matched.some(({ match }) => match.upstream.discarded);
  return distinct(proposals, original.text, discarded);
}

interface Placed {
  readonly place: CandidatePlace;
}

/** A candidate that has its place, before duplicates are taken out. */
interface Proposal extends Placed {
  readonly candidate: Candidate;
}

/** A set that matches, at the place that the matching upstream has in it. */
type MatchedSet = Verdict<CompiledSet, UpstreamMatch> & Placed;

function matchSets(
  table: RoutingTable,
  subject: RoutingSubject,
  original: NamedImage,
): readonly MatchedSet[] {
  return table
    .setsFor(original, subject.namespace)
    .filter(({ compiled }) => compiled.matchesPod(subject))
    .map((verdict) => ({ ...verdict, place: placeOf(verdict.compiled, verdict.match.upstream, 0) }))
    .sort(byPlace);
}

/** The original at its own place, and at that of each upstream that gives it one. */
function proposeOriginal(
  matched: readonly MatchedSet[],
  image: ImageReference,
  place: CandidatePlace,
): readonly Proposal[] {
  const candidate = originalCandidate(image, matched);
  const given = matched.filter(({ match }) => match.upstream.priority !== 0);
  return [place, ...given.map((one) => one.place)].map((at) => ({ place: at, candidate }));
}

function originalCandidate(image: ImageReference, matched: readonly MatchedSet[]): Candidate {
  return {
    image: formatReference(image),
    reference: image,
    by: 'original',
    original: true,
    lent: matched.flatMap(({ compiled, match }) => lentBy(compiled, match.upstream)),
  };
}

function lentBy(
  { identity }: CompiledSet | CompiledMirror,
  { credentialSecret }: CompiledEntry,
): readonly OwnedSecret[] {
  return credentialSecret === undefined ? [] : [{ ...credentialSecret, owner: identity }];
}

/** The other upstreams of one set, each with the image's path below the one that matched. */
function proposeUpstreams(matched: MatchedSet, image: ImageReference): readonly Proposal[] {
  const { compiled, match } = matched;
  return compiled.upstreams.flatMap((upstream) => {
    if (upstream === match.upstream || upstream.discarded) return [];
    const reference = imageBelow(upstream.location, match.rest, image);
    return propose({ ...matched, entry: upstream, base: 0 }, reference);
  });
}

/** One copy a mirror entry of each base that its filter matches; bases that repeat do no harm. */
function proposeCopies(
  table: RoutingTable,
  subject: RoutingSubject,
  bases: readonly NamedImage[],
): readonly Proposal[] {
  return bases.flatMap((base, index) =>
    table
      .mirrorsFor(base, subject.namespace)
      .filter(({ compiled }) => compiled.matchesPod(subject))
      .flatMap((verdict) => copiesOf(verdict, base, index)),
  );
}

function copiesOf(
  verdict: Verdict<CompiledMirror, ImageMatch>,
  { reference }: NamedImage,
  base: number,
): readonly Proposal[] {
  return verdict.compiled.entries.flatMap((entry) => {
    // What lies on the mirror already is no base for it: copies of copies never arise.
    if (pathBelow(entry.location, reference) !== undefined) return [];
    const copy = imageBelow(entry.location, reference.path, reference);
    return propose({ ...verdict, entry, base }, copy);
  });
}

/** The entry that proposes, and the index of the base that it proposes in the place of. */
interface Proposer extends Verdict<CompiledSet | CompiledMirror, ImageMatch> {
  readonly entry: CompiledEntry;
  readonly base: number;
}

function propose(
  { compiled, match, entry, base }: Proposer,
  reference: ImageReference | undefined,
): readonly Proposal[] {
  if (reference === undefined) return [];
  const candidate: Candidate = {
    image: formatReference(reference),
    reference,
    by: compiled.origin,
    original: false,
    lent: lentBy(compiled, entry),
    ...(match.filter !== undefined && { filter: match.filter }),
  };
  return [{ place: placeOf(compiled, entry, base), candidate }];
}

function placeOf(
  compiled: CompiledSet | CompiledMirror,
  entry: CompiledEntry,
  base: number,
): CandidatePlace {
  const { kind, namespace, name } = compiled.identity;
  return {
    priority: compiled.priority,
    kind,
    entryPriority: entry.priority,
    declaration: entry.declaration,
    namespace: namespace ?? '',
    name,
    base,
  };
}

/**
 * The first of each image. A discarded original is not proposed by anybody.
 */
function distinct(
  proposals: readonly Proposal[],
  originalImage: string,
  discarded: boolean,
): readonly Candidate[] {
  const original = proposals.find(({ candidate }) => candidate.original)?.candidate;
  const byImage = new Map<string, Candidate>();
  for (const { candidate } of proposals) {
    const { image } = candidate;
    if (byImage.has(image) || (discarded && image === originalImage)) continue;
    // Proposed in another's name, it is still the original, with the original's credentials.
    const isOriginal = image === originalImage && original !== undefined;
    const asOriginal = isOriginal && { original: true, lent: original.lent };
    byImage.set(image, { ...candidate, ...asOriginal });
  }
  return [...byImage.values()];
}

function byPlace(left: Placed, right: Placed): number {
  return comparePlaces(left.place, right.place);
}

function imageOf({ candidate }: Proposal): NamedImage {
  return { reference: candidate.reference, text: candidate.image };
}
