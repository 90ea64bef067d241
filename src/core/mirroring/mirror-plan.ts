import { cutText } from '#core/cut-text.ts';
import type { ImageUse } from '#core/monitoring/use.ts';
import { lastErrorBytesMax } from '#core/status/status-kind.ts';
import { type CopyJudgement, mayBeOurs } from './copy-claims.ts';
import { isCopyDue } from './copy-due.ts';
import { type CopyPlace, placeKeyOf } from './copy-places.ts';
import type { MirrorCopy, MirroredImage } from './mirrored-image.ts';
import { isOutdated, type KeptPlatforms } from './outdated-copy.ts';
import type { Releases, RunningImages } from './running-images.ts';

/** What is to be done about one image of a resource, or about one of its copies. */
export type MirrorStep =
  /** New, or used again: in use from now on. */
  | { readonly kind: 'use'; readonly image: string }
  /** The last Pod that used it has gone, or the filters leave it out. */
  | { readonly kind: 'unuse'; readonly image: string; readonly sinceMs: number }
  /** A copy to be made, and looked for first: `Scheduled` from now on. */
  | { readonly kind: 'copy'; readonly image: string; readonly place: CopyPlace }
  /** A copy that stands, to be made anew with the platforms that it lacks; told until it is begun. */
  | CopyStep<'renew'>
  /** Another image has the place; `message` is for `lastError`. */
  | (CopyStep<'collide'> & { readonly message: string })
  /** Due to be deleted: `Expired` from now on, and deleted in two phases (`copy-deletion.ts`). */
  | CopyStep<'expire'>
  /** Not due any more: back to what it was. */
  | CopyStep<'revive'>
  /** Leaves the status; whatever stands on the registry stays there. */
  | CopyStep<'drop'>
  /** The image has no copy any more: its entry goes. */
  | { readonly kind: 'forget'; readonly image: string };

/** A step about one copy of one image, by its full form. */
interface CopyStep<Kind extends string> {
  readonly kind: Kind;
  readonly image: string;
  readonly copy: string;
}

/** What a resource says, and what is so. */
export interface MirrorPlanState {
  /** `Kind/[namespace/]name`. */
  readonly resource: string;
  /** The images to decide about: all of them, or those of which something may have changed. */
  readonly images: Iterable<string>;
  readonly entry: (image: string) => MirroredImage | undefined;
  readonly use: (image: string) => ImageUse | undefined;
  readonly places: (image: string) => readonly CopyPlace[];
  /** Of all claims on a place, this resource's up to date among them (`ClaimIndex`). */
  readonly judge: (key: string) => CopyJudgement;
  readonly running: Pick<RunningImages, 'isRun' | 'isOriginal'>;
  /** What was released since the last plan. */
  readonly released?: Releases;
  /**
   * Whether a DELETE of it is on its way: offered again meanwhile, it would be gone when the Pod comes.
   * Its image is planned again after the answer.
   */
  readonly isBeingDeleted?: (copy: string) => boolean;
  /** What copies are to hold by now; absent while nobody knows it: then none is made anew. */
  readonly platforms?: KeptPlatforms | undefined;
  /** Copies of the resource that are `Expired` now; asked once a plan at most. */
  readonly expiredCount: () => number;
  /** Wall time, ms. */
  readonly nowMs: number;
}

/** What to do now, and when to look again although nothing changes. */
export interface MirrorPlan {
  readonly steps: readonly MirrorStep[];
  /** Wall time, ms, at which the next of these copies may expire. */
  readonly nextWakeMs?: number;
}

/** `Expired` at a time, over one resource: a status lists them all, so that every replica knows. */
export const expiredCopiesMax = 500;

/**
 * Decides what one resource mirrors (behaviour §5). Each image is decided by itself, so a part of the
 * images may be planned; planning twice plans nothing the second time.
 */
export function planMirror(state: MirrorPlanState): MirrorPlan {
  const planner = new ImagePlanner(state);
  for (const image of state.images) planner.plan(image);
  const { steps, nextWakeMs } = planner;
  return Number.isFinite(nextWakeMs) ? { steps, nextWakeMs } : { steps };
}

/** What one plan has come to so far. */
class ImagePlanner {
  readonly steps: MirrorStep[] = [];
  nextWakeMs = Number.POSITIVE_INFINITY;
  readonly #state: MirrorPlanState;
  /** Copies that may yet become `Expired`; unknown until one has to. */
  #expiredRoom: number | undefined;

  constructor(state: MirrorPlanState) {
    this.#state = state;
  }

  plan(image: string): void {
    const entry = this.#state.entry(image);
    const places = this.#state.places(image);
    const isUsed = places.length > 0 && this.#state.use(image) !== undefined;
    if (isUsed) this.#planUsed(image, places, entry);
    else if (entry !== undefined) this.#planUnused(entry, places);
  }

  #planUsed(image: string, places: readonly CopyPlace[], entry: MirroredImage | undefined): void {
    if (entry === undefined || entry.unusedSinceMs !== undefined) {
      this.steps.push({ kind: 'use', image });
    }
    this.#dropOthers(entry, places);
    for (const place of places) {
      const recorded = entry?.copies.find(({ copy }) => copy === place.copy);
      const step = this.#stepOfUsed(image, place, recorded);
      if (step !== undefined) this.steps.push(step);
    }
  }

  #stepOfUsed(
    image: string,
    place: CopyPlace,
    recorded: MirrorCopy | undefined,
  ): MirrorStep | undefined {
    const { copy, key } = place;
    const { colliding, keeper = image } = this.#state.judge(key);
    if (colliding.some((claim) => this.#isOwn(claim, image))) {
      const message = cutText(`${copy} is the copy of ${keeper}`, lastErrorBytesMax);
      const isTold = recorded?.state === 'Collision' && recorded.lastError === message;
      return isTold ? undefined : { kind: 'collide', image, copy, message };
    }
    const isAnew = recorded === undefined || recorded.state === 'Collision';
    if (isAnew) return { kind: 'copy', image, place };
    if (recorded.state === 'Expired') return this.#revive(image, copy);
    const isRenewed = recorded.state === 'Available' && isOutdated(recorded, this.#state.platforms);
    return isRenewed ? { kind: 'renew', image, copy } : undefined;
  }

  #planUnused(entry: MirroredImage, places: readonly CopyPlace[]): void {
    const { image } = entry;
    const sinceMs = this.#unusedSinceMs(entry, places);
    if (sinceMs !== entry.unusedSinceMs) this.steps.push({ kind: 'unuse', image, sinceMs });
    let left = entry.copies.length - this.#dropOthers(entry, places);
    for (const place of places) {
      const recorded = entry.copies.find(({ copy }) => copy === place.copy);
      // What became unused just now is judged by the next plan, when its entry says so.
      const isJudged = recorded !== undefined && sinceMs === entry.unusedSinceMs;
      const step = isJudged ? this.#stepOfUnused(image, place, recorded) : undefined;
      if (step !== undefined) this.steps.push(step);
      if (step?.kind === 'drop') left -= 1;
      this.#wake(place, sinceMs);
    }
    if (left === 0) this.steps.push({ kind: 'forget', image });
  }

  /** Since now where it was in use a moment ago, be it only as a copy that a Pod ran. */
  #unusedSinceMs({ image, unusedSinceMs }: MirroredImage, places: readonly CopyPlace[]): number {
    const { released, nowMs } = this.#state;
    if (unusedSinceMs === undefined) return nowMs;
    if (released === undefined || unusedSinceMs >= nowMs) return unusedSinceMs;
    const isReleased =
      released.originals.has(placeKeyOf(image)) ||
      places.some(({ key }) => released.running.has(key));
    return isReleased ? nowMs : unusedSinceMs;
  }

  #stepOfUnused(image: string, place: CopyPlace, recorded: MirrorCopy): MirrorStep | undefined {
    const { copy } = place;
    const isExpired = recorded.state === 'Expired';
    if (!this.#isDue(image, place, recorded)) {
      return isExpired ? this.#revive(image, copy) : undefined;
    }
    if (!mayBeOurs(recorded)) return { kind: 'drop', image, copy };
    if (isExpired) return undefined;
    this.#expiredRoom ??= expiredCopiesMax - this.#state.expiredCount();
    if (this.#expiredRoom <= 0) return undefined;
    this.#expiredRoom -= 1;
    return { kind: 'expire', image, copy };
  }

  #revive(image: string, copy: string): MirrorStep | undefined {
    const { isBeingDeleted = () => false } = this.#state;
    return isBeingDeleted(copy) ? undefined : { kind: 'revive', image, copy };
  }

  #isDue(image: string, place: CopyPlace, recorded: MirrorCopy): boolean {
    const { nowMs, judge, running, entry } = this.#state;
    const { unusedSinceMs } = entry(image) ?? {};
    const judgement = judge(place.key);
    return isCopyDue({ place, recorded, unusedSinceMs, judgement, running, nowMs });
  }

  /** Copies on entries that are none any more leave the status; answers with how many. */
  #dropOthers(entry: MirroredImage | undefined, places: readonly CopyPlace[]): number {
    if (entry === undefined) return 0;
    const others = entry.copies.filter(({ copy }) => !places.some((one) => one.copy === copy));
    const { image } = entry;
    this.steps.push(...others.map(({ copy }) => ({ kind: 'drop', image, copy }) as const));
    return others.length;
  }

  #wake({ cleanup, key }: CopyPlace, sinceMs: number): void {
    const { nowMs, judge } = this.#state;
    if (!cleanup.enabled) return;
    const ownMs = sinceMs + cleanup.retentionMs;
    // Whoever holds it longer than for ever is planned again when that ends.
    const atMs = ownMs > nowMs ? ownMs : judge(key).keptUntilMs;
    if (atMs > nowMs) this.nextWakeMs = Math.min(this.nextWakeMs, atMs);
  }

  #isOwn(claim: { readonly resource: string; readonly image: string }, image: string): boolean {
    return claim.image === image && claim.resource === this.#state.resource;
  }
}
