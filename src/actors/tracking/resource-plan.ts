import { forEachSlice } from '#actors/for-each-slice.ts';
import type { RoutingTableKeeper } from '#actors/keep-routing-table.ts';
import type { RoundOutcome } from '#actors/reconcile.ts';
import type { CheckTurns } from '#actors/registries/check-turns.ts';
import type { Runtime } from '#actors/runtime.ts';
import type { KuikSystem } from '#actors/system.ts';
import { fullJitterMs } from '#core/backoff.ts';
import { parseDuration } from '#core/duration.ts';
import { scopeMatchesImage } from '#core/filter/scope.ts';
import { type ImageReference, parseReference } from '#core/image/reference.ts';
import { type ImageStep, type NewScope, planImages } from '#core/monitoring/plan.ts';
import type { TrackedImage } from '#core/monitoring/tracked-image.ts';
import type { ImageUse, UseIndex, UseScope } from '#core/monitoring/use.ts';
import type { Result } from '#core/result.ts';
import type { CompiledAvailability } from '#core/routing/compiled.ts';
import { leavesAlone } from '#core/routing/containers.ts';
import type { RoutingPolicy } from '#core/routing/policy.ts';
import type { RoutingTable } from '#core/routing/table.ts';
import type { WorkInput } from '#machines/reconcile.ts';
import type { ImageChecks } from './image-checks.ts';
import { PodUses, type PodUsesOptions } from './pod-uses.ts';
import { ResourceImages } from './resource-images.ts';

/** What one resource is kept track of with. */
export interface ResourcePlanOptions extends PodUsesOptions {
  /** Pods that are left alone use nothing. */
  readonly policy: Pick<RoutingPolicy, 'skipLabels' | 'skipAnnotations'>;
  readonly table: Pick<RoutingTableKeeper, 'current' | 'subscribe'>;
  readonly turns: Pick<CheckTurns, 'recorded'>;
  readonly checks: Pick<ImageChecks, 'join' | 'leave'>;
  /** What a resource's status and overflow say that was tracked; one try. */
  readonly restore: (
    resource: string,
    signal: AbortSignal,
  ) => Promise<Result<readonly TrackedImage[], { readonly message: string }>>;
  /** The generation that the last leader's condition of a resource is about. */
  readonly observedGeneration: (resource: string) => number | undefined;
  readonly tellChanged: (resource: string) => void;
  /** Whether only kubelets can pull an image (`monitoring.nodeOnly`). */
  readonly isNodeOnly: (reference: ImageReference) => boolean;
}

const restoreBackoff = { baseMs: 500, capMs: 30_000 };

/**
 * What one ClusterImageSetAvailability keeps track of, and the work that keeps this in line with its
 * Pods: `reconcile:plan/<resource>` does it.
 */
export class ResourcePlan {
  readonly #runtime: Runtime;
  readonly #resource: string;
  readonly #options: ResourcePlanOptions;
  readonly #uses: PodUses;
  readonly images: ResourceImages;
  /** The resource that they are tracked for: another may get its name. */
  #identity: CompiledAvailability['identity'] | undefined;
  /** What all images were planned by last; before that they are not all restored. */
  #plannedBy: CompiledAvailability | undefined;
  /** Wall time in ms at which the first of the unused images may expire, or before. */
  #expiresMs = Number.POSITIVE_INFINITY;

  constructor(system: KuikSystem, resource: string, options: ResourcePlanOptions) {
    this.#runtime = system.runtime;
    this.#resource = resource;
    this.#options = options;
    this.images = new ResourceImages(system, resource, options.isNodeOnly);
    this.#uses = new PodUses(options);
  }

  /** Whether all that was tracked before is there again, of the resource that has the name now. */
  get isRestored(): boolean {
    const { identity } = this.#present ?? {};
    return this.#plannedBy !== undefined && identity?.uid === this.#identity?.uid;
  }

  /** Whether its images are planned by the present spec. */
  get isPlanned(): boolean {
    return this.#plannedBy !== undefined && this.#plannedBy === this.#present;
  }

  /** Calls back when the Pods or the spec changed. */
  readonly watch = (changed: () => void): (() => void) => {
    const stopPods = this.#uses.watch(changed);
    const stopTable = this.#options.table.subscribe(() => {
      if (!this.isPlanned) changed();
    });
    return () => {
      stopPods();
      stopTable();
    };
  };

  /** Restores once what was tracked; then plans all images, or those of which something changed. */
  readonly work = async ({ failures }: WorkInput, signal: AbortSignal): Promise<RoundOutcome> => {
    const compiled = this.#present;
    const before = this.#identity;
    if (before !== undefined && before.uid !== compiled?.identity.uid) await this.#dismiss(signal);
    if (compiled === undefined) return { kind: 'gone' };
    this.#identity = compiled.identity;
    if (this.#plannedBy === undefined) {
      const restored = await this.#restore(signal);
      if (!restored.ok) {
        const retryInMs = fullJitterMs(failures, restoreBackoff, this.#runtime.random());
        // However much its Pods change meanwhile.
        const { message } = restored.error;
        return { kind: 'failed', message, retryInMs, quietMs: retryInMs };
      }
    }
    if (!signal.aborted) await this.#plan(compiled, signal);
    return { kind: 'done', dueInMs: Math.max(0, this.#expiresMs - this.#runtime.now()) };
  };

  /** The resource as it is compiled now. */
  get #present(): CompiledAvailability | undefined {
    return findAvailability(this.#options.table.current(), this.#resource);
  }

  /** Its resource is gone, or another has its name: nothing is tracked any more. */
  async #dismiss(signal: AbortSignal): Promise<void> {
    this.#plannedBy = undefined;
    await forEachSlice([...this.images.names()], { signal }, (images) => {
      for (const image of images) this.#stop(image);
    });
    if (!signal.aborted) this.#options.tellChanged(this.#resource);
  }

  /** Builds the actors of what was tracked before, as it was. */
  async #restore(signal: AbortSignal): ReturnType<ResourcePlanOptions['restore']> {
    const restored = await this.#options.restore(this.#resource, signal);
    if (!restored.ok) return restored;
    await forEachSlice(restored.value, { signal }, (slice) => {
      for (const tracked of slice) {
        const reference = parseReference(tracked.image);
        if (!reference.ok) continue;
        const entry = this.images.add(reference.value, tracked);
        entry.hasUnknownSecrets = true;
        if (entry.isNodeOnly) continue;
        this.#options.turns.recorded(entry.reference.registry, tracked.lastMonitorMs);
      }
    });
    return restored;
  }

  async #plan(compiled: CompiledAvailability, signal: AbortSignal): Promise<void> {
    const before = this.#plannedBy;
    const known = before === compiled ? this.#uses.current : undefined;
    const uses = known ?? (await this.#uses.count(this.#scopeOf(compiled), signal));
    const isAnew = known === undefined;
    const isDue = isAnew || this.#runtime.now() >= this.#expiresMs;
    const images = this.#imagesToPlan(uses, isAnew, isDue);
    const round = {
      ...{ use: uses.get, unusedExpiryMs: this.#unusedExpiryMs() },
      entry: (image: string) => this.images.get(image)?.tracked,
      newScope: before === compiled ? undefined : this.#newScope(compiled),
    };
    // Whoever looks at all of them finds out anew when the first expires.
    let earliestMs = isDue ? Number.POSITIVE_INFINITY : this.#expiresMs;
    await forEachSlice(images, { signal }, (slice) => {
      const plan = planImages({ ...round, images: slice, nowMs: this.#runtime.now() });
      for (const step of plan.steps) this.#apply(step);
      for (const image of slice) this.#join(image, uses.get(image));
      earliestMs = Math.min(earliestMs, plan.nextWakeMs ?? Number.POSITIVE_INFINITY);
    });
    if (signal.aborted) return;
    this.#expiresMs = earliestMs;
    this.#plannedBy = compiled;
    if (images.size > 0 || isAnew) this.#options.tellChanged(this.#resource);
  }

  #scopeOf({ scope, matchesPod }: CompiledAvailability): UseScope {
    const { policy } = this.#options;
    return {
      matchesPod: (pod) => matchesPod(pod) && leavesAlone(pod, policy) === undefined,
      matchesImage: (reference) => scopeMatchesImage(scope.images, reference),
    };
  }

  /** All of them, or those of which something may have changed. */
  #imagesToPlan(
    uses: Pick<UseIndex, 'takeChanged' | 'images'>,
    isAnew: boolean,
    isDue: boolean,
  ): ReadonlySet<string> {
    const changed = uses.takeChanged();
    if (isAnew) return new Set([...this.images.names(), ...uses.images()]);
    return isDue ? new Set([...changed, ...this.images.unused]) : changed;
  }

  #newScope({ scope, identity }: CompiledAvailability): NewScope {
    const observed = this.#options.observedGeneration(this.#resource);
    // kuik v2 wrote no generation, and of what it tracked nothing is forgotten.
    const mayHaveChanged = observed !== undefined && observed !== identity.generation;
    const isFirst = this.#plannedBy === undefined;
    let everywhere: Set<string> | undefined;
    return {
      matchesImage: (image) => {
        const known = this.images.get(image);
        return known !== undefined && scopeMatchesImage(scope.images, known.reference);
      },
      isStillThere: (image) => {
        // With the filters that it was planned by, what left the scope did so by its Pods.
        if (isFirst && !mayHaveChanged) return false;
        everywhere ??= this.#uses.everywhere();
        return everywhere.has(image);
      },
    };
  }

  /**
   * Checked with the pull secrets of the Pods that use it now. Where there is no Pod, with those of
   * the last ones: a private image must not seem lost between two runs of a CronJob.
   */
  #join(image: string, use: ImageUse | undefined): void {
    const entry = this.images.get(image);
    if (entry === undefined || entry.isNodeOnly) return;
    if (use !== undefined) {
      entry.pullSecrets = use.pullSecrets;
      entry.namespace = use.namespace;
      entry.hasUnknownSecrets = false;
    }
    this.#options.checks.join(entry);
  }

  #apply(step: ImageStep): void {
    const { image } = step;
    const entry = this.images.get(image);
    if (step.kind === 'track') this.#track(image, step.original);
    else if (step.kind === 'use') {
      this.images.unused.delete(image);
      entry?.send({ type: 'image.used', original: step.original });
    } else if (step.kind === 'unuse') {
      this.images.unused.add(image);
      entry?.send({ type: 'image.unused', sinceMs: step.sinceMs });
    } else {
      if (step.kind === 'expire') entry?.send({ type: 'image.expired' });
      // One that crashed does not hear that it expired.
      this.#stop(image);
    }
  }

  #track(image: string, original: boolean): void {
    const reference = parseReference(image);
    if (reference.ok) this.images.add(reference.value, { image, original, status: 'Scheduled' });
  }

  #stop(image: string): void {
    const entry = this.images.get(image);
    if (entry === undefined) return;
    this.#options.checks.leave(entry);
    this.images.remove(image);
  }

  /** How long unused images are kept: for ever (0) where the duration cannot be read. */
  #unusedExpiryMs(): number {
    const entry = this.#options.table.current().entries.get(originOf(this.#resource));
    if (entry?.resource.kind !== kind) return 0;
    const expiry = parseDuration(entry.resource.spec?.unusedImageExpiry ?? '0s');
    return expiry.ok ? expiry.value : 0;
  }
}

const kind = 'ClusterImageSetAvailability';

/** The resource as it is compiled now; undefined where there is none of this name. */
export function findAvailability(
  table: RoutingTable,
  name: string,
): CompiledAvailability | undefined {
  const compiled = table.find(originOf(name));
  return compiled?.type === 'availability' ? compiled : undefined;
}

function originOf(name: string): string {
  return `${kind}/${name}`;
}
