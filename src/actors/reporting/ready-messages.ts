import type { TimerHeap } from '#actors/timer-heap.ts';
import type { ClusterImageSetAvailability } from '#api/image-set-availability.ts';
import type { KuikResource } from '#api/kinds.ts';
import { type CheckPace, describeRound, fullRound } from '#core/monitoring/round.ts';
import type { TrackedImages } from '#core/monitoring/tracked-image.ts';

/** What messages are made from. */
export interface RoundMessagesOptions {
  readonly tracked: Pick<TrackedImages, 'resources' | 'subscribe'>;
  /** Images that take turns on each registry of a resource. */
  readonly countsOf: (resource: string) => ReadonlyMap<string, number>;
  /** The configured pace of a registry. */
  readonly paceOf: (registry: string) => CheckPace;
  /**
   * Whether a resource's images are planned by its present spec, so that it tracks all that are
   * `listed`; true of one that is left out.
   */
  readonly isPlanned: (resource: string, listed?: readonly string[]) => boolean;
  readonly clock: TimerHeap;
}

/** What the writer of conditions asks; structurally one of its contributors. */
export interface RoundMessages {
  readonly statesOf: (resource: KuikResource) => readonly never[];
  readonly readyMessage: (resource: KuikResource) => string | undefined;
  readonly isKnown: (resource: KuikResource) => boolean;
  readonly subscribe: (listener: () => void) => () => void;
}

/** How long a round takes changes with many images, not with one; nobody waits for the news. */
const lookEveryMs = 5_000;

/**
 * Says in the `Ready` message of what monitors how long one full round of checks takes. Before all is
 * planned, and the status lists nothing any more that a new spec leaves out, it says nothing: whoever
 * leads next takes a spec that a condition is about for one by whose filters that was tracked.
 */
export function roundMessages(options: RoundMessagesOptions): RoundMessages {
  const { tracked, countsOf, paceOf, isPlanned, clock } = options;
  const messageOf = (resource: string): string | undefined => {
    const round = fullRound(countsOf(resource), paceOf);
    return round === undefined ? undefined : describeRound(round);
  };
  /** Resources of which nothing may be said yet. */
  const waiting = new Set<string>();
  const isKnown = (resource: ClusterImageSetAvailability): boolean => {
    const { name } = resource.metadata;
    const known = isPlanned(name, listedBefore(resource));
    if (known) waiting.delete(name);
    else waiting.add(name);
    return known;
  };
  return {
    statesOf: () => [],
    readyMessage: ({ kind, metadata }) =>
      kind === 'ClusterImageSetAvailability' ? messageOf(metadata.name) : undefined,
    isKnown: (resource) => resource.kind !== 'ClusterImageSetAvailability' || isKnown(resource),
    subscribe: (listener) => {
      const told = new Map<string, string | undefined>();
      let cancel: (() => void) | undefined;
      const look = () => {
        cancel = undefined;
        const messages = tracked.resources().map((name) => [name, messageOf(name)] as const);
        const isNew = messages.some(([name, message]) => told.get(name) !== message);
        told.clear();
        for (const [name, message] of messages) told.set(name, message);
        if (isNew) listener();
      };
      const unsubscribe = tracked.subscribe((resource) => {
        if (waiting.has(resource) && isPlanned(resource)) listener();
        cancel ??= clock.after(lookEveryMs, look);
      });
      return () => {
        unsubscribe();
        cancel?.();
      };
    },
  };
}

/** What the status lists that was perhaps written by another spec than the present one. */
function listedBefore({ metadata, status = {} }: ClusterImageSetAvailability): readonly string[] {
  const { conditions = [], images = [] } = status;
  const ready = conditions.find(({ type }) => type === 'Ready');
  const isPresent = ready?.observedGeneration === metadata.generation;
  return isPresent ? [] : images.map(({ image }) => image);
}
