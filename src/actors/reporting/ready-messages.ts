import type { ConditionContributor } from '#actors/conditions/conditions.ts';
import { reconcileLogic } from '#actors/reconcile.ts';
import type { KuikSystem } from '#actors/system.ts';
import type { Tracking } from '#actors/tracking/tracking.ts';
import type { ClusterImageSetAvailability } from '#api/image-set-availability.ts';
import { Listeners } from '#core/listeners.ts';
import type { Pace } from '#core/monitoring/pace.ts';
import type { PaceView } from '#core/monitoring/pace-view.ts';
import { describeRound, fullRound } from '#core/monitoring/round.ts';
import type { TrackedImages } from '#core/monitoring/tracked-image.ts';

/**
 * Says in the `Ready` message of what monitors how long one full round of checks takes. Before all is
 * planned, and the status lists nothing any more that a new spec leaves out, it says nothing: whoever
 * leads next takes a spec that a condition is about for one by whose filters that was tracked.
 */
export function addReadyMessages(
  system: KuikSystem,
  { tracked, pace, paceOf, isPlanned }: ReadyMessagesOptions,
): Required<Omit<ConditionContributor, 'imageCountOf' | 'conditionsOf' | 'listsImages'>> {
  const { subscribe, tell } = new Listeners();
  const messageOf = (resource: string): string | undefined => {
    const round = fullRound(pace.countsOf(resource), paceOf);
    return round === undefined ? undefined : describeRound(round);
  };
  /** Resources of which nothing may be said yet. */
  const unplanned = new Set<string>();
  const isKnown = (resource: ClusterImageSetAvailability): boolean => {
    const { name } = resource.metadata;
    const known = isPlanned(name, listedBefore(resource));
    if (known) unplanned.delete(name);
    else unplanned.add(name);
    return known;
  };
  let told = nothing;
  system.whileLeading({
    id: 'reconcile:ready-messages',
    logic: reconcileLogic(system.runtime, {
      settleMs,
      watch: (changed) => {
        told = nothing;
        return tracked.subscribe((resource) => {
          if (unplanned.has(resource) && isPlanned(resource)) tell();
          changed();
        });
      },
      work: async () => {
        const messages = JSON.stringify(tracked.resources().map((name) => [name, messageOf(name)]));
        if (messages !== told) tell();
        told = messages;
        return { kind: 'done' };
      },
    }),
  });
  return {
    statesOf: () => [],
    readyMessage: (resource) =>
      resource.kind === kind ? messageOf(resource.metadata.name) : undefined,
    isKnown: (resource) => resource.kind !== kind || isKnown(resource),
    subscribe,
  };
}

/** What messages are made from. */
export interface ReadyMessagesOptions {
  readonly tracked: Pick<TrackedImages, 'resources' | 'subscribe'>;
  readonly pace: Pick<PaceView, 'countsOf'>;
  /** The configured pace of a registry. */
  readonly paceOf: (registry: string) => Pace;
  readonly isPlanned: Tracking['isPlanned'];
}

const kind = 'ClusterImageSetAvailability';
/** How long a round takes changes with many images, not with one; nobody waits for the news. */
const settleMs = 5_000;
/** The messages of no resource, as text. */
const nothing = '[]';

/** What the status lists that was perhaps written by another spec than the present one. */
function listedBefore({ metadata, status = {} }: ClusterImageSetAvailability): readonly string[] {
  const { conditions = [], images = [] } = status;
  const ready = conditions.find(({ type }) => type === 'Ready');
  const isPresent = ready?.observedGeneration === metadata.generation;
  return isPresent ? [] : images.map(({ image }) => image);
}
