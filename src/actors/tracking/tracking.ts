import { setImmediate as nextTurn } from 'node:timers/promises';
import { type ActorRefFrom, fromCallback, fromPromise } from 'xstate';
import { pause } from '#actors/deadline.ts';
import { listeners } from '#actors/listeners.ts';
import type { ProbeAnswer, RegistryProbe } from '#actors/registries/registries.ts';
import { supervise } from '#actors/supervisor.ts';
import type { Service } from '#actors/system.ts';
import { BoundedMap } from '#core/bounded-map.ts';
import type { PaceView } from '#core/monitoring/pace-view.ts';
import type { TrackedImages } from '#core/monitoring/tracked-image.ts';
import {
  type AvailabilitySetInput,
  availabilitySetMachine,
  type PlanOutcome,
  type SetWaitInput,
} from '#machines/availability-set.ts';
import {
  type TrackedActors,
  type TrackedImagesLogic,
  trackedActors,
  trackedImagesLogic,
} from './tracked-actors.ts';
import type { MonitoringOptions } from './tracking-options.ts';
import { availabilitySetsId, type SetsLogic, specOf, Term } from './tracking-term.ts';

/** The knowing half of monitoring: what is tracked, checked at its pace, while this process leads. */
export interface Monitoring {
  /** In the order to start them. */
  readonly leaderServices: readonly Service[];
  readonly tracked: TrackedImages;
  readonly pace: PaceView;
  /**
   * Whether a resource's images are planned by its present spec, so that it tracks all that are
   * `listed`; true of one that is left out.
   */
  readonly isPlanned: (resource: string, listed?: readonly string[]) => boolean;
  /** For the registries: what they answered to a review counts as a check. */
  readonly onAnswer: (probe: RegistryProbe, answer: ProbeAnswer) => void;
  /** No check begins any more; those on their way have their time to end. */
  readonly drain: () => Promise<void>;
}

const trackedImagesId = 'tracked-images';
/** Behaviour §8: what is in flight when the process ends has so long. */
const drainMs = 5_000;
/** Registries whose last check is remembered from term to term. */
const registriesMax = 1_000;

/** Makes it; nothing runs before its services are started. */
export function createMonitoring(options: MonitoringOptions): Monitoring {
  const rooms = new MonitoringRooms(options);
  return {
    leaderServices: rooms.services(),
    tracked: rooms.tracked,
    pace: rooms.pace,
    isPlanned: rooms.isPlanned,
    onAnswer: (probe, answer) => rooms.term?.checks.see(probe, answer),
    drain: async () => {
      rooms.term?.pacers.close();
      await rooms.term?.checks.drain(drainMs);
      // The actors take in what came last before anybody writes it down.
      await nextTurn();
    },
  };
}

class MonitoringRooms {
  readonly #options: MonitoringOptions;
  readonly #memory = new BoundedMap<string, number>(registriesMax);
  readonly #changed = listeners();
  term: Term | undefined;

  constructor(options: MonitoringOptions) {
    this.#options = options;
  }

  readonly tracked: TrackedImages = {
    resources: () =>
      [...(this.term?.trackers ?? [])].flatMap(([name, tracker]) =>
        tracker.isRestored ? [name] : [],
      ),
    imagesOf: (resource) => this.term?.actors.imagesOf(resource) ?? [],
    subscribe: (listener) => this.#changed.subscribe(listener),
  };

  readonly pace: PaceView = {
    registries: () => this.term?.pacers.figures() ?? [],
    countsOf: (resource) => this.#countsOf(resource),
    roundMsOf: (resource) => {
      const rounds = [...this.pace.countsOf(resource)].map(
        ([registry, count]) => count * (this.term?.pacers.slotMsOf(registry) ?? 0),
      );
      return Math.max(0, ...rounds);
    },
  };

  readonly isPlanned = (resource: string, listed: readonly string[] = []): boolean => {
    const { table } = this.#options;
    const { compiled } = specOf(table.current(), resource) ?? {};
    if (compiled === undefined) return true;
    const tracker = this.term?.trackers.get(resource);
    if (tracker?.plannedBy !== compiled) return false;
    return listed.every((image) => tracker.images().has(image));
  };

  services(): readonly Service[] {
    const { clock, onCrash } = this.#options;
    const checkImage = async ({ resource, image }: { resource: string; image: string }) =>
      (await this.term?.checks.result(resource, image)) ?? {
        ...{ kind: 'none' as const, atMs: this.#options.now() },
      };
    return [
      { id: trackedImagesId, logic: trackedImagesLogic({ clock, checkImage, onCrash }) },
      { id: availabilitySetsId, logic: this.#setsLogic() },
      {
        id: 'monitoring',
        logic: fromCallback(() => {
          const term = new Term(this.#options, {
            ...{ actors: this.#findActors(), memory: this.#memory },
            tellChanged: this.#changed.tell,
          });
          this.term = term;
          return () => {
            this.term = undefined;
            term.stop();
          };
        }),
      },
    ];
  }

  #setsLogic(): SetsLogic {
    const { clock, onCrash } = this.#options;
    const trackerOf = ({ resource }: AvailabilitySetInput) => this.term?.trackers.get(resource);
    const restoreImages = fromPromise<void, AvailabilitySetInput>(async ({ input, signal }) => {
      await trackerOf(input)?.restore(signal);
    });
    const plan = fromPromise<PlanOutcome, AvailabilitySetInput>(
      async ({ input, signal }) =>
        (await trackerOf(input)?.plan(signal)) ?? { images: 0, againInMs: null },
    );
    const wait = fromPromise<void, SetWaitInput>(async ({ input, signal }) => {
      if (input.delayMs === null) await new Promise(() => {});
      else await pause(clock, input.delayMs, signal);
    });
    return supervise({
      type: 'availability-set',
      logic: availabilitySetMachine.provide({
        actors: { restoreImages, planImages: plan, wait },
      }),
      policy: 'object',
      clock,
      onCrash,
    });
  }

  #countsOf(resource: string): ReadonlyMap<string, number> {
    const counts = new Map(this.term?.trackers.get(resource)?.counts());
    // Whatever other resources have checked there takes its turns in between.
    for (const { registry, queued, inFlight } of this.term?.pacers.figures() ?? []) {
      const own = counts.get(registry);
      if (own !== undefined) counts.set(registry, Math.max(own, queued + inFlight));
    }
    return counts;
  }

  #findActors(): TrackedActors {
    const { find } = this.#options;
    return trackedActors(
      () => find(trackedImagesId) as ActorRefFrom<TrackedImagesLogic> | undefined,
    );
  }
}
