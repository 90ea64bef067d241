import type { MonitoredStatus } from '#api/image-set-availability.ts';
import { isWrong } from './monitored-image.ts';
import type { TrackedImage } from './tracked-image.ts';

/** Images in use that cannot be pulled → what is wrong with each, as was told last. */
export type Unavailable = ReadonlyMap<string, MonitoredStatus>;

/** What an event says of the images of one resource. */
export interface AvailabilityNote {
  readonly type: 'Normal' | 'Warning';
  readonly reason: 'ImageUnavailable' | 'ImageAvailable';
  readonly note: string;
}

/** What is to be told, and what is known once it is. */
export interface NotesOutcome {
  readonly unavailable: Unavailable;
  readonly notes: readonly AvailabilityNote[];
}

/** More images of one registry that turn together are one event, which names the first few. */
const notesPerRegistryMax = 5;
const namesMax = 3;

/** Notes what is to be told from images that it is given one by one, so that they can come in slices. */
export interface AvailabilityNoter {
  readonly add: (image: TrackedImage) => void;
  readonly finish: () => NotesOutcome;
}

/**
 * Notes what is worth an event: an image in use that became unavailable, and one that is back. A check
 * that says what is known already is none, nor is an image that nobody uses any more. Without
 * `known` this is the first look at all, and what is wrong then was told by somebody before.
 */
export function createAvailabilityNoter(known: Unavailable | undefined): AvailabilityNoter {
  const unavailable = new Map<string, MonitoredStatus>();
  const lost: TrackedImage[] = [];
  const back: TrackedImage[] = [];
  return {
    add: (image) => {
      if (image.unusedSinceMs !== undefined) return;
      const wasKnown = known?.has(image.image) === true;
      if (isWrong(image.status)) {
        unavailable.set(image.image, image.status);
        if (known !== undefined && !wasKnown) lost.push(image);
      } else if (wasKnown) back.push(image);
    },
    finish: () => ({
      unavailable,
      notes: [...notesOf(lost, describeLost), ...notesOf(back, describeBack)],
    }),
  };
}

interface Description {
  readonly type: AvailabilityNote['type'];
  readonly reason: AvailabilityNote['reason'];
  readonly one: (image: TrackedImage) => string;
  readonly many: (images: readonly TrackedImage[]) => string;
}

const describeLost: Description = {
  type: 'Warning',
  reason: 'ImageUnavailable',
  one: ({ image, status, lastError }) => `${image} is ${status}${because(lastError)}.`,
  many: (images) =>
    `${countOf(images)} are ${images[0]?.status}, such as ${namesOf(images)}${because(images[0]?.lastError)}.`,
};

const describeBack: Description = {
  type: 'Normal',
  reason: 'ImageAvailable',
  one: ({ image, status }) => `${image} is ${status} again.`,
  many: (images) =>
    `${countOf(images)} are ${images[0]?.status} again, such as ${namesOf(images)}.`,
};

function notesOf(
  images: readonly TrackedImage[],
  description: Description,
): readonly AvailabilityNote[] {
  const { type, reason, one, many } = description;
  const groups = Map.groupBy(images, ({ registry, status }) => `${registry} ${status}`);
  return [...groups.values()].flatMap((group) => {
    const texts = group.length > notesPerRegistryMax ? [many(group)] : group.map(one);
    return texts.map((note) => ({ type, reason, note }));
  });
}

function because(lastError: string | undefined): string {
  return lastError === undefined ? '' : `: ${lastError.replace(/\.$/, '')}`;
}

function countOf(images: readonly TrackedImage[]): string {
  return `${images.length} images of ${images[0]?.registry}`;
}

function namesOf(images: readonly TrackedImage[]): string {
  return images
    .slice(0, namesMax)
    .map(({ image }) => image)
    .join(', ');
}
