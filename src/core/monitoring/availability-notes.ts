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

/** Whether an image can change what is told; of thousands nearly none does. */
export function concernsNotes(image: TrackedImage, known: Unavailable | undefined): boolean {
  return isWrong(image.status) || known?.has(image.image) === true;
}

/**
 * What is worth an event: an image in use that became unavailable, and one that is back. A check
 * that says what is known already is none, nor is an image that nobody uses any more. Without
 * `known` this is the first look at all, and what is wrong then was told by somebody before. Images
 * that do not concern notes may be left out.
 */
export function noteAvailability(
  images: Iterable<TrackedImage>,
  known: Unavailable | undefined,
): NotesOutcome {
  const used = Iterator.from(images)
    .filter((image) => image.unusedSinceMs === undefined && concernsNotes(image, known))
    .toArray();
  const wrong = used.filter(({ status }) => isWrong(status));
  const unavailable = new Map(wrong.map(({ image, status }) => [image, status]));
  if (known === undefined) return { unavailable, notes: [] };
  const lost = wrong.filter(({ image }) => !known.has(image));
  const back = used.filter(({ image }) => known.has(image) && !unavailable.has(image));
  return { unavailable, notes: [...notesOf(lost, describeLost), ...notesOf(back, describeBack)] };
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
