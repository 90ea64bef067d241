import { forEachSlice } from '#actors/for-each-slice.ts';
import type { RoundOutcome } from '#actors/reconcile.ts';
import type { Runtime } from '#actors/runtime.ts';
import { type NamedPod, PodUses } from '#actors/tracking/pod-uses.ts';
import type { KuikResource } from '#api/kinds.ts';
import { fullJitterMs } from '#core/backoff.ts';
import { scopeMatchesImage } from '#core/filter/scope.ts';
import { planMirror } from '#core/mirroring/mirror-plan.ts';
import type { Releases } from '#core/mirroring/running-images.ts';
import type { UseScope } from '#core/monitoring/use.ts';
import { isFinished } from '#core/pod.ts';
import type { CompiledMirror } from '#core/routing/compiled.ts';
import { leavesAlone } from '#core/routing/containers.ts';
import type { SlimPod } from '#kube/slim-pod.ts';
import type { WorkInput } from '#machines/reconcile.ts';
import type { MirrorPlanContext } from './mirror-plan-context.ts';
import type { MirrorPods } from './mirror-pods.ts';
import { MirrorSteps } from './mirror-steps.ts';
import { PlanAgenda, type PlanRound } from './plan-agenda.ts';
import type { ResourceMirror } from './resource-mirror.ts';

/** Each has an actor for every mirror, which is a tenth of a millisecond to start. */
const perTurn = 25;
const restoreBackoff = { baseMs: 500, capMs: 30_000 };

/**
 * What one (Cluster)ImageSetMirror takes care of, and the work that keeps this in line with its Pods
 * and its spec: `reconcile:mirror/<resource>` does it.
 */
export class MirrorPlan {
  readonly mirror: ResourceMirror;
  readonly #runtime: Runtime;
  readonly #options: MirrorPlanContext;
  readonly #uses: PodUses<SlimPod & NamedPod>;
  readonly #steps: MirrorSteps;
  #changed = (): void => {};
  #uid: string | undefined;
  #isRestored = false;
  /** What all images were planned by last. */
  #plannedBy: CompiledMirror | undefined;
  #reader: MirrorPods['reader'] | undefined;
  readonly #agenda = new PlanAgenda();
  /** Wall time in ms at which the first of the copies may expire, or before. */
  #wakeMs = Number.POSITIVE_INFINITY;

  constructor(runtime: Runtime, mirror: ResourceMirror, options: MirrorPlanContext) {
    this.#runtime = runtime;
    this.mirror = mirror;
    this.#options = options;
    this.#uses = new PodUses(options);
    this.#steps = new MirrorSteps(mirror, { ...options, touchOwn: this.touch });
    mirror.count((image) => this.#uses.current?.get(image));
    options.claims.addResource(mirror);
  }

  /** Whether all that was mirrored before is there again, of the object that has the name now. */
  get isRestored(): boolean {
    return this.#isRestored && this.#object?.metadata.uid === this.#uid;
  }

  /** Whether all its images are planned by the present spec. */
  get isPlanned(): boolean {
    const { compiledOf } = this.#options;
    return this.#plannedBy !== undefined && this.#plannedBy === compiledOf(this.mirror.resource);
  }

  /** Whether the object is not the one that it was planned as, or is being deleted. */
  readonly isOutdatedBy = ({ metadata }: KuikResource): boolean =>
    metadata.uid !== this.#uid ||
    (metadata.deletionTimestamp !== undefined && this.mirror.phase !== 'deleting');

  /** Keeps up with its Pods; calls back when they, or anything else that it depends on, changed. */
  readonly watch = (changed: () => void): (() => void) => {
    this.#changed = changed;
    const stop = this.#uses.watch(changed);
    return () => {
      stop();
      this.#changed = () => {};
      this.#plannedBy = undefined;
    };
  };

  /** Spec, Pods or restored statuses changed: the next round finds out what. */
  readonly look = (): void => this.#changed();

  /** Who claims a copy of an image has changed, here or elsewhere. */
  readonly touch = (image: string): void => {
    this.#agenda.touch(image);
    this.#changed();
  };

  /** What copies are to hold has changed: all that stand are held against it. */
  readonly touchAll = (): void => {
    for (const image of this.mirror.names()) this.#agenda.touch(image);
    this.#changed();
  };

  /** Images have been released by all Pods. */
  readonly release = (releases: Releases, images: Iterable<string>): void => {
    this.#agenda.release(releases, images);
    this.#changed();
  };

  /** Restores once what was mirrored; then plans all images, or those of which something changed. */
  readonly work = async (input: WorkInput, signal: AbortSignal): Promise<RoundOutcome> => {
    const object = this.#object;
    if (this.#uid !== undefined && object?.metadata.uid !== this.#uid) this.#dismiss();
    if (object === undefined) return { kind: 'gone' };
    this.#uid = object.metadata.uid;
    const restored = this.#isRestored ? undefined : await this.#restore(object, signal);
    if (restored?.ok === false) {
      const retryInMs = fullJitterMs(input.failures, restoreBackoff, this.#runtime.random());
      return { kind: 'failed', message: restored.error.message, retryInMs, quietMs: retryInMs };
    }
    const isReady = this.#options.isReady() && this.#options.wants.isCounted;
    if (isReady && !signal.aborted) await this.#planAs(object, signal);
    return { kind: 'done', dueInMs: Math.max(0, this.#wakeMs - this.#runtime.now()) };
  };

  async #planAs(object: KuikResource, signal: AbortSignal): Promise<void> {
    const compiled = this.#options.compiledOf(this.mirror.resource);
    if (object.metadata.deletionTimestamp !== undefined) this.#finalize();
    else if (compiled === undefined) this.#suspend();
    else await this.#planKept(object, compiled, signal);
  }

  /** Before anything is copied the object is kept until its copies are gone, where they are to go. */
  async #planKept(
    object: KuikResource,
    compiled: CompiledMirror,
    signal: AbortSignal,
  ): Promise<void> {
    await this.#options.keepFinalizers(
      {
        object,
        isWanted: compiled.entries.some(({ cleanup }) => cleanup.enabled),
      },
      signal,
    );
    if (!signal.aborted) await this.#plan(compiled, signal);
  }

  get #object(): KuikResource | undefined {
    return this.#options.objectOf(this.mirror.resource);
  }

  /** The object is gone, or another has its name: nothing of it is looked after any more. */
  #dismiss(): void {
    const { mirror } = this;
    const { claims, touch, listener } = this.#options;
    for (const image of [...mirror.names()]) {
      const others = claims.update(mirror.resource, image);
      mirror.remove(image);
      touch(others);
    }
    claims.removeResource(mirror.resource);
    claims.addResource(mirror);
    this.#isRestored = false;
    this.#plannedBy = undefined;
    this.#uid = undefined;
    mirror.phase = 'unknown';
    mirror.deletingSinceMs = undefined;
    listener.dismissed(mirror.resource);
  }

  /** Builds the actors of what was mirrored before, as it was. */
  async #restore(
    object: KuikResource,
    signal: AbortSignal,
  ): ReturnType<MirrorPlanContext['restore']> {
    const { mirror } = this;
    const { restore, compiledOf, compile, listener } = this.#options;
    // One that is being deleted is in no table, and its copies are to be found all the same.
    const compiled = compiledOf(mirror.resource) ?? compile(object);
    if (compiled !== undefined) mirror.follow(compiled);
    const restored = await restore(mirror.resource, signal);
    if (!restored.ok) return restored;
    await forEachSlice(restored.value, { signal, perTurn }, (slice) => {
      for (const image of slice) this.#steps.restore(image);
    });
    if (signal.aborted) return restored;
    this.#isRestored = true;
    listener.restored();
    return restored;
  }

  /** It wants nothing any more; its copies are deleted by whoever finalizes it. */
  #finalize(): void {
    const { mirror } = this;
    const { listener } = this.#options;
    if (mirror.phase === 'deleting') return;
    mirror.phase = 'deleting';
    mirror.deletingSinceMs = this.#runtime.clock.now();
    for (const image of mirror.names()) this.#tellOthers(image);
    listener.deleting(mirror.resource);
  }

  /** It has a mistake: what is there is kept as it is until that is mended. */
  #suspend(): void {
    if (this.mirror.phase === 'unknown') return;
    this.mirror.phase = 'unknown';
    this.#plannedBy = undefined;
    for (const image of this.mirror.names()) this.#tellOthers(image);
  }

  #tellOthers(image: string): void {
    const { claims, touch } = this.#options;
    touch(claims.update(this.mirror.resource, image));
  }

  async #plan(compiled: CompiledMirror, signal: AbortSignal): Promise<void> {
    const { mirror } = this;
    const { listener, wants } = this.#options;
    listener.began(mirror.resource);
    const isSame = this.#plannedBy === compiled && this.#reader === wants.reader;
    const known = isSame ? this.#uses.current : undefined;
    mirror.follow(compiled);
    const { reader } = wants;
    const uses = known ?? (await this.#uses.count(this.#scopeOf(compiled), signal));
    if (signal.aborted) return;
    mirror.phase = 'planned';
    const isAnew = known === undefined;
    const isDue = isAnew || this.#runtime.now() >= this.#wakeMs;
    const changed = uses.takeChanged();
    const round = isAnew
      ? this.#agenda.take(mirror.names(), uses.images())
      : this.#agenda.take(changed, isDue ? mirror.unused : []);
    const wakeMs = await this.#planRound(round, isAnew, signal);
    if (signal.aborted) return;
    this.#wakeMs = Math.min(isDue ? Number.POSITIVE_INFINITY : this.#wakeMs, wakeMs);
    this.#plannedBy = compiled;
    this.#reader = reader;
    listener.planned(mirror.resource);
  }

  /** A slice in each turn of the event loop; answers with when the first of the copies may expire. */
  async #planRound(round: PlanRound, isAnew: boolean, signal: AbortSignal): Promise<number> {
    const { mirror } = this;
    let wakeMs = Number.POSITIVE_INFINITY;
    let steps = 0;
    await forEachSlice(round.images, { signal, perTurn }, (slice) => {
      const plan = this.#planSlice(slice, round.released);
      for (const step of plan.steps) this.#steps.apply(step);
      for (const image of slice) mirror.tellUse(image);
      // What this resource says of a place may be news although it has nothing to do there.
      if (isAnew) for (const image of slice) this.#tellOthers(image);
      steps += plan.steps.length;
      wakeMs = Math.min(wakeMs, plan.nextWakeMs ?? Number.POSITIVE_INFINITY);
    });
    if (steps > 0 || isAnew) this.#options.listener.changed(mirror.resource);
    return wakeMs;
  }

  #planSlice(images: readonly string[], released: Releases | undefined) {
    const { mirror } = this;
    const { claims, judge, wants, platforms, isBeingDeleted } = this.#options;
    for (const image of images) claims.update(mirror.resource, image);
    return planMirror({
      ...{ resource: mirror.resource, images, judge, isBeingDeleted },
      ...{ entry: mirror.entry, use: mirror.use, places: mirror.places },
      ...{ running: wants.running, platforms: platforms() },
      ...(released !== undefined && { released }),
      expiredCount: () => mirror.expired,
      nowMs: this.#runtime.now(),
    });
  }

  #scopeOf({ scope, matchesPod }: CompiledMirror): UseScope<SlimPod & NamedPod> {
    const { policy, wants, isNodeOnly } = this.#options;
    const { reader } = wants;
    return {
      matchesPod: (pod) =>
        !isFinished(pod) && matchesPod(pod) && leavesAlone(pod, policy) === undefined,
      matchesImage: (reference) =>
        scopeMatchesImage(scope.images, reference) && !isNodeOnly(reference),
      readImages: (pod) => reader(pod).wanted,
    };
  }
}
