import { setImmediate as nextTurn } from 'node:timers/promises';
import { type ActorRefFrom, fromCallback, fromPromise } from 'xstate';
import { parseDuration } from '#core/duration.ts';
import type { PaceView } from '#core/monitoring/pace-view.ts';
import type { TrackedImage, TrackedImages } from '#core/monitoring/tracked-image.ts';
import type { RoutingTable } from '#core/routing/table.ts';
import { createRecentMap } from '#oci/recent-map.ts';
import {
  type AvailabilitySetInput,
  availabilitySetMachine,
  type PlanOutcome,
  type SetWaitInput,
} from '#machines/availability-set.ts';
import { type Checks, createAvailabilityChecks } from './availability-checks.ts';
import { type AvailabilityPacers, createAvailabilityPacers } from './availability-pacers.ts';
import { type AvailabilitySpec, imagesPerTurn, SetTracker } from './availability-set.ts';
import { listeners } from './listeners.ts';
import type { MonitoringOptions } from './monitoring-options.ts';
import { pause } from './pause.ts';
import type { ProbeAnswer, RegistryProbe } from './registries.ts';
import { type SupervisorLogic, supervise } from './supervisor.ts';
import type { Service } from './system.ts';
import { type TrackedActors, type TrackedImagesLogic, trackedActors, trackedImagesLogic } from './tracked-actors.ts';

/** The knowing half of monitoring: what is tracked, checked at its pace, while this process leads. */
export interface Monitoring {
  /** In the order to start them. */
  readonly leaderServices: readonly Service[];
  readonly tracked: TrackedImages;
  readonly pace: PaceView;
  /** For the registries: what they answered to a review counts as a check. */
  readonly onAnswer: (probe: RegistryProbe, answer: ProbeAnswer) => void;
  /** No check begins any more; those on their way have their time to end. */
  readonly drain: () => Promise<void>;
}

const trackedImagesId = 'tracked-images';
const availabilitySetsId = 'availability-sets';
const kind = 'ClusterImageSetAvailability';
/** Behaviour §8: what is in flight when the process ends has so long. */
const drainMs = 5_000;
/** One resource that cannot be restored must not keep the others from being checked for ever. */
const restoredWithinMs = 60_000;
/** Registries whose last check is remembered from term to term. */
const registriesMax = 1_000;

/** Makes it; nothing runs before its services are started. */
export function createMonitoring(options: MonitoringOptions): Monitoring {
  const rooms = new MonitoringRooms(options);
  return {
    leaderServices: rooms.services(),
    tracked: rooms.tracked,
    pace: rooms.pace,
    onAnswer: (probe, answer) => rooms.term?.checks.see(probe, answer),
    drain: async () => {
      rooms.term?.pacers.close();
      await rooms.term?.checks.drain(drainMs);
      // The actors take in what came last before anybody writes it down.
      await nextTurn();
    },
  };
}

type SetsLogic = SupervisorLogic<typeof availabilitySetMachine>;

class MonitoringRooms {
  readonly #options: MonitoringOptions;
  readonly #memory = createRecentMap<string, number>(registriesMax);
  readonly #changed = listeners();
  readonly actors: TrackedActors;
  term: Term | undefined;

  constructor(options: MonitoringOptions) {
    this.#options = options;
    this.actors = trackedActors(
      () => options.find(trackedImagesId) as ActorRefFrom<TrackedImagesLogic> | undefined,
    );
  }

  readonly tracked: TrackedImages = {
    resources: () => [...(this.term?.trackers.keys() ?? [])],
    imagesOf: (resource) => this.#imagesOf(resource),
    subscribe: (listener) => this.#changed.subscribe(listener),
  };

  readonly pace: PaceView = {
    registries: () => this.term?.pacers.figures() ?? [],
    countsOf: (resource) => this.#countsOf(resource),
    roundMsOf: (resource) => {
      const rounds = [...this.#countsOf(resource)].map(
        ([registry, count]) => count * (this.term?.pacers.slotMsOf(registry) ?? 0),
      );
      return Math.max(0, ...rounds);
    },
  };

  services(): readonly Service[] {
    const { wake, onCrash } = this.#options;
    const checkImage = async ({ resource, image }: { resource: string; image: string }) =>
      (await this.term?.checks.result(resource, image)) ?? {
        ...{ kind: 'none' as const, atMs: this.#options.now() },
      };
    return [
      { id: trackedImagesId, logic: trackedImagesLogic({ wake, checkImage, onCrash }) },
      { id: availabilitySetsId, logic: this.#setsLogic() },
      {
        id: 'monitoring',
        logic: fromCallback(() => {
          const term = new Term(this.#options, {
            ...{ actors: this.actors, memory: this.#memory },
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
    const { wake, onCrash } = this.#options;
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
      else await pause(wake, input.delayMs, signal);
    });
    return supervise({
      type: 'availability-set',
      logic: availabilitySetMachine.provide({
        actors: { restoreImages, planImages: plan, wait },
      }),
      policy: 'object',
      wake,
      onCrash,
    });
  }

  *#imagesOf(resource: string): Generator<TrackedImage> {
    for (const image of this.term?.trackers.get(resource)?.images().keys() ?? []) {
      const tracked = this.actors.get(resource, image);
      if (tracked !== undefined) yield tracked;
    }
  }

  #countsOf(resource: string): ReadonlyMap<string, number> {
    const counts = new Map<string, number>();
    for (const { registry } of this.term?.trackers.get(resource)?.images().values() ?? []) {
      counts.set(registry, (counts.get(registry) ?? 0) + 1);
    }
    return counts;
  }
}

/** What lives as long as this process leads without a break. */
class Term {
  readonly #options: MonitoringOptions;
  readonly #means: TermMeans;
  readonly #unsubscribe: () => void;
  readonly #cancelOpen: () => void;
  readonly #uids = new Map<string, string | undefined>();
  readonly trackers = new Map<string, SetTracker>();
  readonly pacers: AvailabilityPacers;
  readonly checks: Checks;
  #isStopped = false;

  constructor(options: MonitoringOptions, means: TermMeans) {
    this.#options = options;
    this.#means = means;
    this.pacers = createAvailabilityPacers({
      ...options,
      memory: means.memory,
      unrecordedUntilMs: options.unrecordedUntilMs(),
      run: (registry, key, pacer) => this.checks.run(registry, key, pacer),
    });
    this.checks = createAvailabilityChecks({
      ...options,
      pacers: () => this.pacers,
      pause: async (delayMs) => {
        await pause(options.wake, delayMs, new AbortController().signal);
      },
      tellDue: (resource, image) => means.actors.send(resource, image, { type: 'check.due' }),
      tellSeen: (resource, image, verdict) =>
        means.actors.send(resource, image, { type: 'probe.seen', verdict }),
      tellChanged: means.tellChanged,
    });
    this.#cancelOpen = options.wake.after(restoredWithinMs, this.pacers.open);
    this.#unsubscribe = options.table.subscribe(this.#follow);
    this.#begin().catch(options.onBug);
  }

  stop(): void {
    this.#isStopped = true;
    this.#unsubscribe();
    this.#cancelOpen();
    this.pacers.close();
    this.checks.close();
    for (const tracker of this.trackers.values()) tracker[Symbol.dispose]();
  }

  /** Nothing is planned before all Pods and resources are known, nor checked before all is restored. */
  async #begin(): Promise<void> {
    await this.#options.synced;
    // The table is compiled a turn after its stores have changed.
    await nextTurn();
    await nextTurn();
    this.#follow();
    await Promise.all([...this.trackers.values()].map(({ planned }) => planned));
    if (!this.#isStopped) this.pacers.open();
  }

  readonly #follow = (): void => {
    if (this.#isStopped || !this.#options.isSynced()) return;
    const table = this.#options.table.current();
    const present = new Map(table.availabilities.map(({ identity }) => [identity.name, identity]));
    for (const [name, tracker] of this.trackers) {
      const now = present.get(name);
      if (now === undefined || now.uid !== this.#uids.get(name)) this.#remove(name, tracker);
    }
    for (const [name, { uid }] of present) {
      const tracker = this.trackers.get(name);
      if (tracker === undefined) this.#add(name, uid);
      else if (tracker.compiled !== specOf(table, name)?.compiled) this.#tellStale(name);
    }
  };

  #add(resource: string, uid: string | undefined): void {
    const { actors, tellChanged } = this.#means;
    this.#uids.set(resource, uid);
    const tracker = new SetTracker({
      ...this.#options,
      ...{ resource, actors, tellChanged, checks: this.checks },
      spec: () => specOf(this.#options.table.current(), resource),
      recorded: this.pacers.recorded,
      tellStale: () => this.#tellStale(resource),
    });
    this.trackers.set(resource, tracker);
    const input = { resource };
    this.#sets()?.send({ type: 'child.add', key: resource, input });
  }

  #remove(resource: string, tracker: SetTracker): void {
    tracker[Symbol.dispose]();
    this.trackers.delete(resource);
    this.#sets()?.send({ type: 'child.remove', key: resource });
    this.#dismiss(resource, [...tracker.images().keys()]).catch(this.#options.onBug);
    this.#means.tellChanged(resource);
  }

  /** A slice at a time; what a resource of the same name tracks by then is its own. */
  async #dismiss(resource: string, images: readonly string[]): Promise<void> {
    for (const [index, image] of images.entries()) {
      if (index % imagesPerTurn === imagesPerTurn - 1) await nextTurn();
      if (this.#isStopped) return;
      if (this.trackers.get(resource)?.images().has(image) === true) continue;
      this.checks.leave(resource, image);
      this.#means.actors.remove(resource, image);
    }
  }

  #tellStale(resource: string): void {
    this.#sets()?.getSnapshot().children.get(resource)?.send({ type: 'set.changed' });
  }

  #sets(): ActorRefFrom<SetsLogic> | undefined {
    return this.#options.find(availabilitySetsId) as ActorRefFrom<SetsLogic> | undefined;
  }
}

interface TermMeans {
  readonly actors: TrackedActors;
  readonly memory: Parameters<typeof createAvailabilityPacers>[0]['memory'];
  readonly tellChanged: (resource: string) => void;
}

/** A duration that cannot be read keeps images for ever and stops nothing. */
function specOf(table: RoutingTable, name: string): AvailabilitySpec | undefined {
  const origin = `${kind}/${name}`;
  const compiled = table.find(origin);
  const resource = table.entries.get(origin)?.resource;
  if (compiled?.type !== 'availability' || resource?.kind !== kind) return undefined;
  const expiry = parseDuration(resource.spec?.unusedImageExpiry ?? '0s');
  return { compiled, unusedExpiryMs: expiry.ok ? expiry.value : 0 };
}
