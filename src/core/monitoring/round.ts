import type { Pace } from './pace.ts';

/** The registry that takes longest to be checked through, which is what a full round takes. */
export interface FullRound {
  readonly durationMs: number;
  readonly registry: string;
  /** Images that take a turn there. */
  readonly images: number;
  readonly pace: Pace;
}

/**
 * How long it takes at the configured pace until each image was checked once; undefined where there
 * is none. `counts` are the images on each registry that share its pace.
 */
export function fullRound(
  counts: ReadonlyMap<string, number>,
  paceOf: (registry: string) => Pace,
): FullRound | undefined {
  let longest: FullRound | undefined;
  for (const [registry, images] of counts) {
    const pace = paceOf(registry);
    const durationMs = (images * pace.intervalMs) / pace.maxPerInterval;
    const isLonger = longest === undefined || durationMs > longest.durationMs;
    if (images > 0 && isLonger) longest = { durationMs, registry, images, pace };
  }
  return longest;
}

/**
 * A sentence for the `Ready` message. Numbers are rounded to two digits, so that an image that comes
 * or goes in a large cluster does not have every condition written anew.
 */
export function describeRound({ durationMs, registry, images, pace }: FullRound): string {
  const count = roundToTwoDigits(images);
  const about = count === images ? '' : 'some ';
  const noun = images === 1 ? 'image' : 'images';
  const rate = `${pace.maxPerInterval} ${describeInterval(pace.intervalMs)}`;
  const duration = describeDuration(durationMs);
  return `One full round of checks takes ${duration}: ${about}${count} ${noun} of ${registry} at ${rate}.`;
}

const secondMs = 1_000;
const minuteMs = 60 * secondMs;
const hourMs = 60 * minuteMs;
const dayMs = 24 * hourMs;
/** A week is still said in hours: people compare it with `interval`. */
const hoursMax = 168;

const single: ReadonlyMap<number, string> = new Map([
  [secondMs, 'a second'],
  [minuteMs, 'a minute'],
  [hourMs, 'an hour'],
  [dayMs, 'a day'],
]);

function describeInterval(intervalMs: number): string {
  return single.get(intervalMs) ?? `every ${describeDuration(intervalMs)}`;
}

/** In the largest unit of which there is at least one. */
function describeDuration(durationMs: number): string {
  if (durationMs > hoursMax * hourMs) return `${roundToTwoDigits(durationMs / dayMs)} days`;
  if (durationMs >= hourMs) return `${roundToTwoDigits(durationMs / hourMs)} h`;
  if (durationMs >= minuteMs) return `${roundToTwoDigits(durationMs / minuteMs)} min`;
  return `${roundToTwoDigits(durationMs / secondMs)} s`;
}

function roundToTwoDigits(value: number): number {
  return Number(value.toPrecision(2));
}
