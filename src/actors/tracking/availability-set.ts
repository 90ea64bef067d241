import { setImmediate as nextTurn } from 'node:timers/promises';
import { scopeMatchesImage } from '#core/filter/scope.ts';
import type { ImageReference } from '#core/image/reference.ts';
import { parseReference } from '#core/image/reference.ts';
import { type ImageStep, type NewScope, planImages } from '#core/monitoring/plan.ts';
import type { TrackedImage } from '#core/monitoring/tracked-image.ts';
import type { UseIndex } from '#core/monitoring/use.ts';
import type { CompiledAvailability } from '#core/routing/compiled.ts';
import type { PlanOutcome } from '#machines/availability-set.ts';
import type { AvailabilityChecks } from './image-checks.ts';
import { PullSecretMemory } from './last-pull-secrets.ts';
import { PodUses, type PodUsesOptions } from './pod-uses.ts';
import type { TrackedActors } from './tracked-actors.ts';
import { TrackedReferences } from './tracked-references.ts';

/** What a resource says now. */
export interface AvailabilitySpec {
  readonly compiled: CompiledAvailability;
  /** 0 is never. */
  readonly unusedExpiryMs: number;
}

/** What one resource is kept track of with. */
export interface SetTrackerOptions extends PodUsesOptions {
  readonly resource: string;
  readonly spec: () => AvailabilitySpec | undefined;
  /** Whether the spec may have changed since somebody planned by it: before the first plan. */
  readonly isNewSpec: boolean;
  readonly actors: TrackedActors;
  readonly checks: Pick<AvailabilityChecks, 'join' | 'leave'>;
  readonly restore: (resource: string, signal: AbortSignal) => Promise<readonly TrackedImage[]>;
  /** A status says that an image of this registry was checked then. */
  readonly recorded: (registry: string, lastMonitorMs: number | undefined) => void;
  readonly tellChanged: (resource: string) => void;
  /** Wall time in ms. */
  readonly now: () => number;
}

/** So many images are dealt with in one turn of the event loop: about 7 ms. */
export const imagesPerTurn = 100;

/** What one resource tracks: the effects of its actor, and what they remember. */
export class SetTracker implements Disposable {
  readonly #options: SetTrackerOptions;
  readonly #images = new TrackedReferences();
  readonly #pullSecrets = new PullSecretMemory();
  /** Images without a Pod: with a lively cluster ever more, so they are looked at when one expires. */
  readonly #unused = new Set<string>();
  /** Wall time in ms at which the first of them may expire, or before. */
  #expiresMs = Number.POSITIVE_INFINITY;
  readonly #first = Promise.withResolvers<void>();
  #isRestored = false;
  readonly #uses: PodUses;
  #compiled: CompiledAvailability | undefined;
  #planned: CompiledAvailability | undefined;

  constructor(options: SetTrackerOptions) {
    this.#options = options;
    this.#uses = new PodUses(options);
  }

  /** Resolves after the first plan. */
  get planned(): Promise<void> {
    return this.#first.promise;
  }

  /** Whether all that was tracked before is there again; until then it is not to be told of. */
  get isRestored(): boolean {
    return this.#isRestored;
  }

  /** What it was planned by last. */
  get compiled(): CompiledAvailability | undefined {
    return this.#compiled;
  }

  /** What all images were planned by last. */
  get plannedBy(): CompiledAvailability | undefined {
    return this.#planned;
  }

  readonly images = (): ReadonlyMap<string, ImageReference> => this.#images.all();

  /** How many images of each registry. */
  readonly counts = (): ReadonlyMap<string, number> => this.#images.counts();

  /** Builds the actors of what was tracked before, as it was. */
  readonly restore = async (signal: AbortSignal): Promise<void> => {
    const { resource, restore, actors, recorded } = this.#options;
    const restored = await restore(resource, signal);
    for (const [index, tracked] of restored.entries()) {
      if (index % imagesPerTurn === imagesPerTurn - 1) await nextTurn();
      if (signal.aborted) return;
      const reference = parseReference(tracked.image);
      if (!reference.ok) continue;
      const { registry } = this.#images.set(tracked.image, reference.value);
      this.#pullSecrets.restored(tracked.image);
      if (tracked.unusedSinceMs !== undefined) this.#unused.add(tracked.image);
      recorded(registry, tracked.lastMonitorMs);
      actors.add({ ...tracked, resource, registry });
    }
    this.#isRestored = true;
  };

  /** Brings what is tracked in line with the Pods; a part of the images when only those changed. */
  readonly plan = async (signal: AbortSignal): Promise<PlanOutcome> => {
    const { resource, now, tellChanged } = this.#options;
    const spec = this.#options.spec();
    if (spec === undefined) return { images: this.images().size, againInMs: null };
    const isNew = spec.compiled !== this.#compiled;
    this.#compiled = spec.compiled;
    const uses = isNew ? await this.#uses.count(spec.compiled, signal) : this.#uses.current;
    if (uses === undefined || signal.aborted) return { images: 0, againInMs: null };
    const isDue = isNew || now() >= this.#expiresMs;
    const images = this.#imagesToPlan({ uses, isNew, isDue });
    const newScope = isNew ? this.#newScope(spec.compiled) : undefined;
    const earliestMs = await this.#planAll(images, { spec, uses, newScope }, signal);
    this.#concludePlan({ spec, isDue, earliestMs, isCut: signal.aborted });
    if (images.size > 0 || isNew) tellChanged(resource);
    this.#first.resolve();
    const againInMs = Math.max(0, this.#expiresMs - now());
    return { images: this.images().size, againInMs: Number.isFinite(againInMs) ? againInMs : null };
  };

  /** One that was broken off has not seen all. */
  #concludePlan(done: {
    readonly spec: AvailabilitySpec;
    readonly isDue: boolean;
    readonly earliestMs: number;
    readonly isCut: boolean;
  }): void {
    const { spec, isDue, earliestMs, isCut } = done;
    const sawAll = isDue && !isCut;
    this.#expiresMs = sawAll ? earliestMs : Math.min(earliestMs, this.#expiresMs);
    if (!isCut) this.#planned = spec.compiled;
  }

  async #planAll(
    images: ReadonlySet<string>,
    given: SliceState,
    signal: AbortSignal,
  ): Promise<number> {
    let nextWakeMs = Number.POSITIVE_INFINITY;
    for (const slice of slicesOf(images)) {
      if (signal.aborted) break;
      nextWakeMs = Math.min(nextWakeMs, this.#planSlice(slice, given));
      await nextTurn();
    }
    return nextWakeMs;
  }

  /** All of them by a new scope, else those of which something may have changed. */
  #imagesToPlan(given: {
    readonly uses: UseIndex;
    readonly isNew: boolean;
    readonly isDue: boolean;
  }): ReadonlySet<string> {
    const { uses, isNew, isDue } = given;
    const changed = uses.takeChanged();
    if (isNew) return new Set([...this.images().keys(), ...uses.images()]);
    return isDue ? new Set([...changed, ...this.#unused]) : changed;
  }

  [Symbol.dispose](): void {
    this.#uses[Symbol.dispose]();
    this.#first.resolve();
  }

  #newScope({ scope }: CompiledAvailability): NewScope {
    let everywhere: Set<string> | undefined;
    return {
      matchesImage: (image) => {
        const reference = this.images().get(image);
        return reference !== undefined && scopeMatchesImage(scope.images, reference);
      },
      isStillThere: (image) => {
        // With the filters that it was planned by, what left the scope did so by its Pods.
        if (this.#planned === undefined && !this.#options.isNewSpec) return false;
        everywhere ??= this.#uses.everywhere();
        return everywhere.has(image);
      },
    };
  }

  #planSlice(images: readonly string[], given: SliceState): number {
    const { resource, actors, now } = this.#options;
    const { spec, uses, newScope } = given;
    const plan = planImages({
      ...{ images, use: uses.get, unusedExpiryMs: spec.unusedExpiryMs, nowMs: now() },
      entry: (image) => actors.get(resource, image),
      ...(newScope !== undefined && { newScope }),
    });
    for (const step of plan.steps) this.#apply(step);
    for (const image of images) this.#join(image, uses);
    return plan.nextWakeMs ?? Number.POSITIVE_INFINITY;
  }

  #apply(step: ImageStep): void {
    const { resource, actors, checks } = this.#options;
    const { image } = step;
    if (step.kind === 'track') this.#track(image, step.original);
    else if (step.kind === 'use') {
      this.#unused.delete(image);
      actors.send(resource, image, { type: 'image.used', original: step.original });
    } else if (step.kind === 'unuse') {
      this.#unused.add(image);
      actors.send(resource, image, { type: 'image.unused', sinceMs: step.sinceMs });
    } else {
      this.#images.delete(image);
      this.#unused.delete(image);
      this.#pullSecrets.forget(image);
      checks.leave(resource, image);
      if (step.kind === 'expire') actors.send(resource, image, { type: 'image.expired' });
      // One that crashed does not hear that it expired.
      actors.remove(resource, image);
    }
  }

  #track(image: string, original: boolean): void {
    const { resource, actors } = this.#options;
    const reference = parseReference(image);
    if (!reference.ok) return;
    const { registry } = this.#images.set(image, reference.value);
    actors.add({ ...{ resource, image, registry, original }, status: 'Scheduled' });
  }

  /**
   * Checked with the pull secrets of the Pods that use it now. Where there is no Pod, with those of
   * the last ones: a private image must not seem lost between two runs of a CronJob.
   */
  #join(image: string, uses: UseIndex): void {
    const { resource, actors, checks } = this.#options;
    const reference = this.images().get(image);
    const tracked = actors.get(resource, image);
    if (reference === undefined || tracked === undefined) return;
    const secrets = this.#pullSecrets.takeUp(image, uses.get(image)?.pullSecrets);
    checks.join({ resource, image, reference, ...secrets }, tracked);
  }
}

interface SliceState {
  readonly spec: AvailabilitySpec;
  readonly uses: UseIndex;
  readonly newScope: NewScope | undefined;
}

function* slicesOf(images: ReadonlySet<string>): Generator<readonly string[]> {
  let slice: string[] = [];
  for (const image of images) {
    slice.push(image);
    if (slice.length < imagesPerTurn) continue;
    yield slice;
    slice = [];
  }
  if (slice.length > 0) yield slice;
}
