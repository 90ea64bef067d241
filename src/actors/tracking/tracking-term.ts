import { setImmediate as nextTurn } from 'node:timers/promises';
import type { ActorRefFrom } from 'xstate';
import { pause } from '#actors/deadline.ts';
import type { SupervisorLogic } from '#actors/supervisor.ts';
import { parseDuration } from '#core/duration.ts';
import type { CompiledAvailability } from '#core/routing/compiled.ts';
import type { RoutingTable } from '#core/routing/table.ts';
import type { availabilitySetMachine } from '#machines/availability-set.ts';
import { type AvailabilityPacers, createAvailabilityPacers } from './availability-pacers.ts';
import { type AvailabilitySpec, imagesPerTurn, SetTracker } from './availability-set.ts';
import { type Checks, createAvailabilityChecks } from './image-checks.ts';
import type { TrackedActors } from './tracked-actors.ts';
import type { MonitoringOptions } from './tracking-options.ts';

/** The supervisor of the resources. */
export type SetsLogic = SupervisorLogic<typeof availabilitySetMachine>;

/** The id of that supervisor. */
export const availabilitySetsId = 'availability-sets';

const kind = 'ClusterImageSetAvailability';
/** One resource that cannot be restored must not keep the others from being checked for ever. */
const restoredWithinMs = 60_000;

/** What lives as long as this process leads without a break. */
export class Term {
  readonly #options: MonitoringOptions;
  readonly #means: TermMeans;
  readonly #unsubscribe: () => void;
  readonly #cancelOpen: () => void;
  readonly #uids = new Map<string, string | undefined>();
  /** What a resource that went still tracks: one of its name begins when that is dismissed. */
  readonly #leaving = new Map<string, Promise<void>>();
  readonly trackers = new Map<string, SetTracker>();
  readonly actors: TrackedActors;
  readonly pacers: AvailabilityPacers;
  readonly checks: Checks;
  #isStopped = false;

  constructor(options: MonitoringOptions, means: TermMeans) {
    this.#options = options;
    this.#means = means;
    this.actors = means.actors;
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
        await pause(options.clock, delayMs, new AbortController().signal);
      },
      tellDue: (resource, image) => means.actors.send(resource, image, { type: 'check.due' }),
      tellSeen: (resource, image, verdict) =>
        means.actors.send(resource, image, { type: 'probe.seen', verdict }),
      tellChanged: means.tellChanged,
    });
    this.#cancelOpen = options.clock.after(restoredWithinMs, this.pacers.open);
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
    const present = new Map(table.availabilities.map((one) => [one.identity.name, one]));
    for (const [name, tracker] of this.trackers) {
      const now = present.get(name);
      const isSame = now !== undefined && now.identity.uid === this.#uids.get(name);
      if (!isSame) this.#remove(name, tracker);
    }
    for (const [name, compiled] of present) this.#keep(name, compiled);
  };

  #keep(name: string, compiled: CompiledAvailability): void {
    const tracker = this.trackers.get(name);
    if (tracker === undefined) this.#add(name, compiled.identity);
    else if (tracker.compiled !== compiled) this.#tellStale(name);
  }

  #add(resource: string, { uid, generation }: CompiledAvailability['identity']): void {
    const { actors, tellChanged } = this.#means;
    this.#uids.set(resource, uid);
    // Asked now: before long the condition is about this generation, too. kuik v2 wrote none, and
    // of what it tracked nothing is forgotten.
    const observed = this.#options.observedGeneration(resource);
    const tracker = new SetTracker({
      ...this.#options,
      ...{ resource, actors, tellChanged, checks: this.checks },
      restore: async (name, signal) => {
        await this.#leaving.get(name);
        return await this.#options.restore(name, signal);
      },
      spec: () => specOf(this.#options.table.current(), resource),
      isNewSpec: observed !== undefined && observed !== generation,
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
    this.actors.release(resource);
    this.#sets()?.send({ type: 'child.remove', key: resource });
    const before = this.#leaving.get(resource);
    const leaving = Promise.resolve(before)
      .then(() => this.#dismiss(resource, [...tracker.images().keys()]))
      .catch(this.#options.onBug)
      .finally(() => {
        if (this.#leaving.get(resource) === leaving) this.#leaving.delete(resource);
      });
    this.#leaving.set(resource, leaving);
    this.#means.tellChanged(resource);
  }

  /** A slice at a time. */
  async #dismiss(resource: string, images: readonly string[]): Promise<void> {
    for (const [index, image] of images.entries()) {
      if (index % imagesPerTurn === imagesPerTurn - 1) await nextTurn();
      if (this.#isStopped) return;
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

/** What a term shares with the others. */
export interface TermMeans {
  readonly actors: TrackedActors;
  readonly memory: Parameters<typeof createAvailabilityPacers>[0]['memory'];
  readonly tellChanged: (resource: string) => void;
}

/** What the table has of a resource; a duration that cannot be read keeps images for ever. */
export function specOf(table: RoutingTable, name: string): AvailabilitySpec | undefined {
  const origin = `${kind}/${name}`;
  const compiled = table.find(origin);
  const resource = table.entries.get(origin)?.resource;
  if (compiled?.type !== 'availability' || resource?.kind !== kind) return undefined;
  const expiry = parseDuration(resource.spec?.unusedImageExpiry ?? '0s');
  return { compiled, unusedExpiryMs: expiry.ok ? expiry.value : 0 };
}
