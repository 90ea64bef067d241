import type { MonitoredStatus } from '#api/image-set-availability.ts';
import { isWrong } from './monitored-image.ts';
import type { TrackedImage } from './tracked-image.ts';

/** Images in use that cannot be pulled → what is wrong with each, as was told last. */
export type Unavailable = ReadonlyMap<string, MonitoredStatus>;

/** More images of one registry that turn together are one event, which names the first few. */
const notesPerRegistryMax = 5;
const namesMax = 3;

/**
 * Notes what is worth an event, of images added one by one, so that they can come in slices: one in
 * use that became unavailable, and one that is back. A check that says what is known already is none,
 * nor is an image that nobody uses any more. Without `known` this is the first look at all, and what
 * is wrong then was told by somebody before.
 */
export function createAvailabilityNoter(known: Unavailable | undefined) {
  const unavailable = new Map<string, MonitoredStatus>();
  const lost: TrackedImage[] = [];
  const back: TrackedImage[] = [];
  return {
    add: (image: TrackedImage): void => {
      if (image.unusedSinceMs !== undefined) return;
      const wasKnown = known?.has(image.image) === true;
      if (isWrong(image.status)) {
        unavailable.set(image.image, image.status);
        if (known !== undefined && !wasKnown) lost.push(image);
      } else if (wasKnown) back.push(image);
    },
    finish: () => ({
      unavailable: unavailable as Unavailable,
      notes: notesOf([...lost, ...back]),
    }),
  };
}

/** What is to be told, and what is known once it is. */
export type NotesOutcome = ReturnType<ReturnType<typeof createAvailabilityNoter>['finish']>;

/** One a registry and what its images turned to: those that are wrong, and those that are back. */
function notesOf(images: readonly TrackedImage[]) {
  const groups = Map.groupBy(images, ({ registry, status }) => `${registry} ${status}`);
  return [...groups.values()].flatMap((group) => {
    const [first] = group;
    if (first === undefined) return [];
    const { registry, status } = first;
    const isLost = isWrong(status);
    const type: 'Warning' | 'Normal' = isLost ? 'Warning' : 'Normal';
    const reason = isLost ? 'ImageUnavailable' : 'ImageAvailable';
    const said = isLost ? status : `${status} again`;
    if (group.length <= notesPerRegistryMax) {
      return group.map((one) => ({ type, reason, note: `${one.image} is ${said}${why(one)}.` }));
    }
    const names = group.slice(0, namesMax).map(({ image }) => image);
    const many = `${group.length} images of ${registry} are ${said}`;
    return [{ type, reason, note: `${many}, such as ${names.join(', ')}${why(first)}.` }];
  });
}

function why({ status, lastError }: TrackedImage): string {
  return lastError === undefined || !isWrong(status) ? '' : `: ${lastError.replace(/\.$/, '')}`;
}
