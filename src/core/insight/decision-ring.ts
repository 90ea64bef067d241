import { isObject } from '#core/json.ts';
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
/** What all of them hold together, as `bytesOf` has it: images and messages are as long as one likes. */
export const bytesMax = 4 * 1024 * 1024;
/** Of a Pod with more containers than any node runs the others are left out. */
const decisionsMax = 100;
/** What a decision or a candidate takes beside its texts. */
const entryBytes = 120;
/** What is longer is no name of an object. */
const nameCharactersMax = 253;

/** The last reviews in which there was something to decide; bounded in number and in size. */
export class DecisionRing {
  #reviews: RecordedReview[] = [];
  #bytes = 0;
  #lastId = 0;

  /** Remembers a review; decisions are immutable, so that nothing is copied. Anybody writes the metadata. */
  readonly record = (
    { namespace, metadata }: { readonly namespace: string; readonly metadata?: PodMetadata },
    decisions: readonly RouteDecision[],
    atMs: number,
  ): RecordedReview => {
    const { name, generateName } = isObject(metadata) ? metadata : {};
    this.#lastId += 1;
    const review: RecordedReview = {
      ...{ id: this.#lastId, atMs, namespace, decisions: decisions.slice(0, decisionsMax) },
      ...{ pod: textOf(name) || textOf(generateName), isGenerated: textOf(name) === '' },
      owner: ownerOf(metadata),
    };
    this.#reviews.push(review);
    this.#bytes += bytesOf(review);
    // Many at once, now and then: to shift each time would move all of them.
    if (this.#reviews.length >= reviewsMax * 1.25 || this.#bytes > bytesMax) this.#trim();
    return review;
  };

  /** Newest first. */
  readonly newest = (): readonly RecordedReview[] => this.#reviews.slice(-reviewsMax).reverse();

  /** How many were forgotten. */
  readonly forgotten = (): number => this.#lastId - Math.min(this.#reviews.length, reviewsMax);

  /** Down to half of what may be kept. */
  #trim(): void {
    let bytes = 0;
    let from = this.#reviews.length;
    while (from > 0 && this.#reviews.length - from < reviewsMax) {
      bytes += bytesOf(this.#reviews[from - 1]);
      if (bytes > bytesMax / 2 && from < this.#reviews.length) break;
      from -= 1;
    }
    this.#reviews = this.#reviews.slice(from);
    this.#bytes = this.#reviews.reduce((sum, review) => sum + bytesOf(review), 0);
  }
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value.slice(0, nameCharactersMax) : '';
}

/** `Kind/name` of the controller. */
function ownerOf(metadata: unknown): string {
  const owners = isObject(metadata) ? metadata['ownerReferences'] : undefined;
  const all: readonly unknown[] = Array.isArray(owners) ? owners : [];
  const owner = all.find((one) => isObject(one) && one['controller'] === true);
  return isObject(owner) ? `${textOf(owner['kind'])}/${textOf(owner['name'])}` : '';
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

/** What a review holds, about: its texts, and what each entry takes. */
function bytesOf(review: RecordedReview | undefined): number {
  let bytes = entryBytes;
  for (const { image, winner, message, candidates } of review?.decisions ?? []) {
    bytes += entryBytes + image.length + winner.length + message.length;
    for (const candidate of candidates) {
      bytes += entryBytes + candidate.image.length + (candidate.message?.length ?? 0);
    }
  }
  return bytes;
}

/** Whether there was anything to decide: most images have one candidate, and nobody is asked. */
export function isWorthRecording({ reason }: RouteDecision): boolean {
  return reason !== 'OnlyCandidate' && reason !== 'Skipped';
}
