import type { TrackedImage } from './tracked-image.ts';
import type { ImageUse } from './use.ts';

/** What is to be done about one image of a resource. */
export type ImageStep =
  /** New: `Scheduled` from now on. */
  | { readonly kind: 'track'; readonly image: string; readonly original: boolean }
  /** Used again, or by others than before. */
  | { readonly kind: 'use'; readonly image: string; readonly original: boolean }
  /** The last Pod that used it has gone. */
  | { readonly kind: 'unuse'; readonly image: string; readonly sinceMs: number }
  /** Unused for as long as the resource says: its entry goes. */
  | { readonly kind: 'expire'; readonly image: string }
  /** Out of scope: its entry goes at once. */
  | { readonly kind: 'drop'; readonly image: string };

/** What a resource says, and what is so. */
export interface PlanState {
  /** The images to decide about: all of them, or those of which something may have changed. */
  readonly images: Iterable<string>;
  readonly entry: (image: string) => TrackedImage | undefined;
  readonly use: (image: string) => Pick<ImageUse, 'original'> | undefined;
  /** How long an unused image is kept; 0 is for ever. */
  readonly unusedExpiryMs: number;
  /** Given when the resource's filters may have changed since the last plan. */
  readonly newScope?: NewScope | undefined;
  /** Wall time, ms. */
  readonly nowMs: number;
}

/** What has to be known to tell an image out of scope from one whose Pods have gone. */
export interface NewScope {
  readonly matchesImage: (image: string) => boolean;
  /** Whether any Pod of the cluster uses it, in scope or not. */
  readonly isStillThere: (image: string) => boolean;
}

/** What to do now, and when to look again although nothing changes. */
export interface Plan {
  readonly steps: readonly ImageStep[];
  /** Wall time, ms, at which the next of these images expires. */
  readonly nextWakeMs?: number;
}

/**
 * Decides what one resource tracks (behaviour §6). Each image is decided by itself, so a part of the
 * images may be planned; planning twice plans nothing the second time.
 */
export function planImages(state: PlanState): Plan {
  const steps: ImageStep[] = [];
  let nextWakeMs = Number.POSITIVE_INFINITY;
  for (const image of state.images) {
    const step = decideImage(state, image);
    if (step !== undefined) steps.push(step);
    nextWakeMs = Math.min(nextWakeMs, expiresAtMs(state, image, step));
  }
  return Number.isFinite(nextWakeMs) ? { steps, nextWakeMs } : { steps };
}

function decideImage(state: PlanState, image: string): ImageStep | undefined {
  const use = state.use(image);
  const entry = state.entry(image);
  if (use !== undefined) return decideUsed(image, use, entry);
  if (entry === undefined) return undefined;
  if (isOutOfScope(state, entry)) return { kind: 'drop', image };
  const { unusedExpiryMs, nowMs } = state;
  if (entry.unusedSinceMs === undefined) return { kind: 'unuse', image, sinceMs: nowMs };
  const isOver = unusedExpiryMs > 0 && nowMs >= entry.unusedSinceMs + unusedExpiryMs;
  return isOver ? { kind: 'expire', image } : undefined;
}

function decideUsed(
  image: string,
  { original }: Pick<ImageUse, 'original'>,
  entry: TrackedImage | undefined,
): ImageStep | undefined {
  if (entry === undefined) return { kind: 'track', image, original };
  const isAsKnown = entry.unusedSinceMs === undefined && entry.original === original;
  return isAsKnown ? undefined : { kind: 'use', image, original };
}

/**
 * Nobody in scope uses it. Only a change of the filters takes it out of scope: one that was unused
 * already has no Pod to ask, and one whose last Pod has just gone is unused from now on.
 */
function isOutOfScope({ newScope }: PlanState, entry: TrackedImage): boolean {
  if (newScope === undefined) return false;
  if (!newScope.matchesImage(entry.image)) return true;
  return entry.unusedSinceMs === undefined && newScope.isStillThere(entry.image);
}

function expiresAtMs(state: PlanState, image: string, step: ImageStep | undefined): number {
  if (state.unusedExpiryMs <= 0 || state.use(image) !== undefined) return Number.POSITIVE_INFINITY;
  if (step?.kind === 'unuse') return step.sinceMs + state.unusedExpiryMs;
  const sinceMs = step === undefined ? state.entry(image)?.unusedSinceMs : undefined;
  return sinceMs === undefined ? Number.POSITIVE_INFINITY : sinceMs + state.unusedExpiryMs;
}
