import type { PodMetadata } from '#core/pod.ts';
import type { RouteDecision } from '#core/routing/decision.ts';

/** One review in which something was decided. */
export interface RecordedReview {
  /** Grows with each; a cursor. */
  readonly id: number;
  /** Wall time, ms. */
  readonly atMs: number;
  readonly namespace: string;
  /** Its name, or what its name is to begin with. */
  readonly pod: string;
  /** Whether `pod` is only the beginning of a name. */
  readonly isGenerated: boolean;
  /** `Kind/name` of the controller; '' where there is none. */
  readonly owner: string;
  readonly decisions: readonly RouteDecision[];
}

/** Reviews that are remembered: some minutes of a busy cluster, days of a quiet one. */
export const reviewsMax = 1_000;
/** Candidates of all of them, about half a kilobyte each. */
const candidatesMax = 10_000;

/** The last reviews in which there was something to decide; bounded in number and in size. */
export class DecisionRing {
  #reviews: RecordedReview[] = [];
  #candidates = 0;
  #lastId = 0;

  /** Remembers a review; decisions are immutable, so that nothing is copied. */
  readonly record = (
    { namespace, metadata = {} }: { readonly namespace: string; readonly metadata?: PodMetadata },
    decisions: readonly RouteDecision[],
    atMs: number,
  ): RecordedReview => {
    const { name, generateName = '', ownerReferences } = metadata;
    const owner = ownerReferences?.find(({ controller }) => controller === true);
    this.#lastId += 1;
    const review = {
      ...{ id: this.#lastId, atMs, namespace, decisions },
      ...{ pod: name ?? generateName, isGenerated: name === undefined },
      owner: owner === undefined ? '' : `${owner.kind}/${owner.name}`,
    };
    this.#reviews.push(review);
    this.#candidates += weightOf(review);
    // In one go now and then: to shift each time would move all of them.
    if (this.#reviews.length >= reviewsMax * 2 || this.#candidates > candidatesMax) this.#trim();
    return review;
  };

  /** Newest first. */
  readonly newest = (): readonly RecordedReview[] => this.#reviews.slice(-reviewsMax).reverse();

  /** How many were forgotten. */
  readonly forgotten = (): number => this.#lastId - Math.min(this.#reviews.length, reviewsMax);

  /** Down to half of what may be kept. */
  #trim(): void {
    let candidates = 0;
    let from = this.#reviews.length;
    while (from > 0 && this.#reviews.length - from < reviewsMax) {
      candidates += weightOf(this.#reviews[from - 1]);
      if (candidates > candidatesMax / 2 && from < this.#reviews.length) break;
      from -= 1;
    }
    this.#reviews = this.#reviews.slice(from);
    this.#candidates = this.#reviews.reduce((sum, review) => sum + weightOf(review), 0);
  }
}

/** Whether a text is part of its Pod, images, or who proposed them; in whatever case. */
export function hasText(
  { namespace, pod, owner, decisions }: RecordedReview,
  text: string | undefined,
): boolean {
  if (text === undefined) return true;
  const wanted = text.toLowerCase();
  const images = decisions.flatMap(({ image, winner, by, reason }) => [image, winner, by, reason]);
  return [`${namespace}/${pod}`, owner, ...images].some((one) =>
    one.toLowerCase().includes(wanted),
  );
}

/** What a review holds; a container without any candidate is something, too. */
function weightOf(review: RecordedReview | undefined): number {
  return (review?.decisions ?? []).reduce((sum, one) => sum + 1 + one.candidates.length, 0);
}

/** Whether there was anything to decide: most images have one candidate, and nobody is asked. */
export function isWorthRecording({ reason }: RouteDecision): boolean {
  return reason !== 'OnlyCandidate' && reason !== 'Skipped';
}
