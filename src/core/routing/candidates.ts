import type { PodSubject } from '#core/filter/scope.ts';
import { formatReference, type ImageReference } from '#core/image/reference.ts';
import type { PodSpec, PullPolicy } from '#core/pod.ts';
import type { SecretName } from '#core/secret.ts';
import type { ResourceIdentity } from '#core/spec-problem.ts';
import { drain } from '#core/steps.ts';
import type {
  CompiledEntry,
  CompiledMirror,
  CompiledSet,
  ImageMatch,
  NamedImage,
  UpstreamMatch,
} from './compiled.ts';
import { CopyOffer } from './copy-offer.ts';
import type { CandidateOrigin } from './decision.ts';
import { FirstOfEach } from './first-of-each.ts';
import { imageBelow, pathBelow } from './location.ts';
import { type CandidatePlace, comparePlaces, FIRST_PLACE, ORIGINAL_PLACE } from './order.ts';
import type { RoutingPolicy } from './policy.ts';
import type { RoutingTable, Verdict } from './table.ts';
import type { LeftOutCopy } from './why-left-out.ts';

/** One image of one Pod, and all of the Pod that the order may depend on (behaviour §3.7). */
export interface RoutingSubject extends PodSubject {
  readonly image: ImageReference;
  readonly imagePullPolicy: PullPolicy;
  /** What the Pod says of its nodes; nothing where that is not known. */
  readonly spec?: Pick<PodSpec, 'nodeSelector' | 'affinity'>;
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

/** What one image of one Pod may be run from. */
export interface CandidateList {
  /** In order (behaviour §3.3 and §3.4). */
  readonly candidates: readonly Candidate[];
  /** Whether there are more than are considered. */
  readonly isCut: boolean;
  /** The resources whose patterns took too many steps; they do not apply. */
  readonly exhausted: readonly string[];
  /** The copies that are none of them, by what is known of them. */
  readonly leftOut: readonly LeftOutCopy[];
}

/** Considered beside the original: more would outlast any review, and no registry set has so many. */
export const CANDIDATES_MAX = 64;

/** The candidates of `candidatesInSteps`, at once. */
export function candidates(
  table: RoutingTable,
  subject: RoutingSubject,
  policy: OrderPolicy,
): readonly Candidate[] {
  return drain(candidatesInSteps(table, subject, policy)).candidates;
}

type OrderPolicy = Pick<RoutingPolicy, 'honorPrioritiesOnAlwaysImagePullPolicy'>;

/** All candidates for one image of one Pod; yields after each step, where others may go in between. */
export function* candidatesInSteps(
  table: RoutingTable,
  subject: RoutingSubject,
  policy: OrderPolicy,
): Generator<void, CandidateList> {
  const { image, imagePullPolicy } = subject;
  const original = { reference: image, text: formatReference(image) };
  const sets = yield* table.setsFor(original, subject.namespace);
  const matched = matchSets(sets.verdicts, subject);
  const equivalents = matched.flatMap((match) => proposeUpstreams(match, image)).sort(byPlace);
  const bases = [
    original,
    ...equivalents.map(({ candidate: { reference, image: text } }) => ({ reference, text })),
  ];
  const offer = new CopyOffer(table, subject, bases);
  const { copies, exhausted } = yield* findCopies(table, subject, { bases, offer });
  const told = [...new Set([...sets.exhausted, ...exhausted])];
  if (matched.length === 0 && copies.length === 0) {
    const alone = [originalCandidate(image, [])];
    return { candidates: alone, isCut: false, exhausted: told, leftOut: [] };
  }
  const forced = imagePullPolicy === 'Always' && !policy.honorPrioritiesOnAlwaysImagePullPolicy;
  const proposers: readonly Proposer[] = [
    ...proposeOriginal(matched, image, forced ? FIRST_PLACE : ORIGINAL_PLACE),
    ...equivalents.map((one) => ({ place: one.place, propose: () => [one.candidate] })),
    ...copies,
  ].sort(byPlace);
  const discarded = matched.some(({ match }) => match.upstream.discarded);
  const first = new FirstOfEach(originalCandidate(image, matched), {
    ...{ discarded, othersMax: CANDIDATES_MAX },
  });
  for (const { propose } of proposers) {
    first.take(propose());
    yield;
    if (first.isCut) break;
  }
  const { candidates: found, isCut } = first;
  return { candidates: found, isCut, exhausted: told, leftOut: offer.leftOut };
}

/** What has a place in the order. */
export interface Placed {
  readonly place: CandidatePlace;
}

/** A candidate that has its place, before duplicates are taken out. */
export interface Proposal extends Placed {
  readonly candidate: Candidate;
}

/** Who proposes candidates at one place, which differ by their bases alone. */
interface Proposer extends Placed {
  readonly propose: () => Iterable<Candidate>;
}

/** A set that matches, at the place that the matching upstream has in it. */
export type MatchedSet = Verdict<CompiledSet, UpstreamMatch> & Placed;

/** The sets that are about the Pod, in order. */
export function matchSets(
  verdicts: readonly Verdict<CompiledSet, UpstreamMatch>[],
  subject: PodSubject,
): readonly MatchedSet[] {
  return verdicts
    .filter(({ compiled }) => compiled.matchesPod(subject))
    .map((verdict) => ({ ...verdict, place: placeOf(verdict.compiled, verdict.match.upstream) }))
    .sort(byPlace);
}

/** The original at its own place, and at that of each upstream that gives it one. */
function proposeOriginal(
  matched: readonly MatchedSet[],
  image: ImageReference,
  place: CandidatePlace,
): readonly Proposer[] {
  const propose = () => [originalCandidate(image, matched)];
  const given = matched.filter(({ match }) => match.upstream.priority !== 0);
  return [place, ...given.map((one) => one.place)].map((at) => ({ place: at, propose }));
}

/** The original, with what the sets that it matches lend for it. */
export function originalCandidate(
  image: ImageReference,
  matched: readonly MatchedSet[],
): Candidate {
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
export function proposeUpstreams(matched: MatchedSet, image: ImageReference): readonly Proposal[] {
  const { compiled, match } = matched;
  return compiled.upstreams.flatMap((upstream) => {
    if (upstream === match.upstream || upstream.discarded) return [];
    const reference = imageBelow(upstream.location, match.rest, image);
    if (reference === undefined) return [];
    const candidate = candidateOf(matched, upstream, reference);
    return [{ place: placeOf(compiled, upstream), candidate }];
  });
}

/** What each mirror that is about the Pod copies: the bases that its filter matches, in order. */
function* findCopies(
  table: RoutingTable,
  subject: RoutingSubject,
  { bases, offer }: { readonly bases: readonly NamedImage[]; readonly offer: CopyOffer },
): Generator<
  void,
  { readonly copies: readonly Proposer[]; readonly exhausted: readonly string[] }
> {
  const exhausted: string[] = [];
  const copied = new Map<CompiledMirror, CopiedBase[]>();
  const counts = new Map<string, number>();
  for (const base of new Map(bases.map((one) => [one.text, one])).values()) {
    const found = yield* table.mirrorsFor(base, subject.namespace);
    exhausted.push(...found.exhausted);
    const about = found.verdicts.filter(({ compiled }) => compiled.matchesPod(subject));
    for (const { compiled, match } of about) {
      const key = `${compiled.origin} ${base.reference.path}`;
      const before = counts.get(key) ?? 0;
      counts.set(key, before + 1);
      // Their copies are one, and only one of two registries may be where the copy goes.
      if (before >= 2) continue;
      const images = copied.get(compiled) ?? [];
      images.push({ base, match });
      copied.set(compiled, images);
    }
  }
  const copies = [...copied].flatMap(([compiled, images]) =>
    compiled.entries.map((entry) => ({
      place: placeOf(compiled, entry),
      propose: () => copiesOf({ compiled, entry, images, offer }),
    })),
  );
  return { copies, exhausted };
}

interface CopiedBase {
  readonly base: NamedImage;
  readonly match: ImageMatch;
}

function* copiesOf({ compiled, entry, images, offer }: EntryCopies): Generator<Candidate> {
  for (const { base, match } of images) {
    // What lies on the mirror already is no base for it: copies of copies never arise.
    if (pathBelow(entry.location, base.reference) !== undefined) continue;
    const reference = imageBelow(entry.location, base.reference.path, base.reference);
    if (reference === undefined) continue;
    const candidate = candidateOf({ compiled, match }, entry, reference);
    if (offer.takes(candidate, base)) yield candidate;
  }
}

/** What one entry of a mirror has copies of. */
interface EntryCopies {
  readonly compiled: CompiledMirror;
  readonly entry: CompiledEntry;
  readonly images: readonly CopiedBase[];
  readonly offer: CopyOffer;
}

function candidateOf(
  { compiled, match }: Verdict<CompiledSet | CompiledMirror, ImageMatch>,
  entry: CompiledEntry,
  reference: ImageReference,
): Candidate {
  return {
    image: formatReference(reference),
    reference,
    by: compiled.origin,
    original: false,
    lent: lentBy(compiled, entry),
    ...(match.filter !== undefined && { filter: match.filter }),
  };
}

function placeOf(compiled: CompiledSet | CompiledMirror, entry: CompiledEntry): CandidatePlace {
  const { kind, namespace, name } = compiled.identity;
  return {
    priority: compiled.priority,
    kind,
    entryPriority: entry.priority,
    declaration: entry.declaration,
    namespace: namespace ?? '',
    name,
    // One entry copies its bases in their order.
    base: 0,
  };
}

/** Negative when `left` comes first. */
export function byPlace(left: Placed, right: Placed): number {
  return comparePlaces(left.place, right.place);
}
