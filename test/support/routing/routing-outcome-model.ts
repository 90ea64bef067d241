import { type ModelCandidate, type ModelSubject, readImage, write } from './routing-model.ts';

/** What the registries do. */
export interface ModelWorld {
  readonly timeoutMs: number;
  /** Of each image by its full form: the answer, and when it comes (never without). */
  readonly images: Readonly<Record<string, { readonly kind: string; readonly afterMs?: number }>>;
  readonly aside: readonly string[];
  readonly trusted: readonly string[];
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
