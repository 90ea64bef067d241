import { setImmediate as nextTurn } from 'node:timers/promises';
import { type ActorRefFrom, fromCallback } from 'xstate';
import { coalescedListeners } from '#actors/coalesced-listeners.ts';
import type { RoutingTableKeeper } from '#actors/keep-routing-table.ts';
import { reconcileLogic } from '#actors/reconcile.ts';
import type { Registries } from '#actors/registries/registries.ts';
import type { SecretReader } from '#actors/secrets/secret-reader.ts';
import { type SupervisorLogic, supervise } from '#actors/supervisor.ts';
import type { KuikSystem } from '#actors/system.ts';
import type { KuikKind, KuikResource } from '#api/kinds.ts';
import { Listeners } from '#core/listeners.ts';
import type { FinishedCheck, PaceView } from '#core/monitoring/pace-view.ts';
import type { TrackedImages } from '#core/monitoring/tracked-image.ts';
import type { RoutingPolicy } from '#core/routing/policy.ts';
import type { Store } from '#kube/store.ts';
import type { reconcileMachine } from '#machines/reconcile.ts';
import type { CheckOptions } from './check-image.ts';
import { ImageChecks } from './image-checks.ts';
import type { NamedPod } from './pod-uses.ts';
import { findAvailability, ResourcePlan, type ResourcePlanOptions } from './resource-plan.ts';
import { trackedImagesId, trackedImagesLogic } from './tracked-images.ts';

/** Adds it to the system: images are tracked, and checked at their pace, while this process leads. */
export function addTracking(system: KuikSystem, options: TrackingOptions): Tracking {
  return new Tracking(system, options);
}

/** What images are tracked and checked with. */
export interface TrackingOptions {
  readonly resources: {
    readonly pods: Store<NamedPod>;
    readonly kuik: ReadonlyMap<KuikKind, Store<KuikResource>>;
  };
  readonly table: Pick<RoutingTableKeeper, 'current' | 'subscribe'>;
  readonly registries: Pick<Registries, 'probe' | 'turns' | 'onAnswer'>;
  readonly secrets: Pick<SecretReader, 'read' | 'forget'>;
  readonly restore: ResourcePlanOptions['restore'];
  readonly configuration: Pick<RoutingPolicy, 'skipLabels' | 'skipAnnotations'>;
  /** How the images of a registry are checked. */
  readonly checkOptionsOf: (registry: string) => CheckOptions;
  readonly isNodeOnly: ResourcePlanOptions['isNodeOnly'];
}

/** The supervisor of what plans the resources. */
type PlansLogic = SupervisorLogic<typeof reconcileMachine>;

const plansId = 'plans';
const planKeyOf = (resource: string) => `plan/${resource}`;
const resourceOf = (planKey: string) => planKey.slice(planKeyOf('').length);
/** Changes that come together are planned together: Pods of a rollout come at 20 a second. */
const settleMs = 200;
/** One resource that cannot be restored must not keep the others from being checked for ever. */
const restoredWithinMs = 60_000;
/** Behaviour §8: what is in flight when the process ends has so long. */
const drainMs = 5_000;

/** The door of what is known of images: which are tracked, and what their checks came to. */
export class Tracking {
  readonly #system: KuikSystem;
  readonly #options: TrackingOptions;
  readonly #checks: ImageChecks;
  /** By resource; one whose actor has ended goes with the next change of the table. */
  readonly #plans = new Map<string, ResourcePlan>();
  readonly #changed = coalescedListeners();
  readonly #finishedChecks = new Listeners<[check: FinishedCheck]>();

  constructor(system: KuikSystem, options: TrackingOptions) {
    this.#system = system;
    this.#options = options;
    const { runtime } = system;
    this.#checks = new ImageChecks(runtime, {
      ...{ ...options, tellChanged: this.#changed.tell, onCheck: this.#finishedChecks.tell },
    });
    const images = trackedImagesLogic(runtime, ({ resource, image }, signal) =>
      this.#checks.ask(this.#plans.get(resource)?.images.get(image), signal),
    );
    system.whileLeading({ id: trackedImagesId, logic: images });
    system.whileLeading({ id: plansId, logic: this.#plansLogic() });
    system.whileLeading({ id: 'tracking', logic: fromCallback(() => this.#begin()) });
  }

  /** Images by resource, once all that was tracked before is there again. */
  readonly tracked: TrackedImages = {
    resources: () =>
      [...this.#plans].flatMap(([resource, plan]) => (plan.isRestored ? [resource] : [])),
    imagesOf: (resource) => {
      const plan = this.#plans.get(resource);
      return plan?.isRestored === true ? plan.images.tracked() : [];
    },
    subscribe: this.#changed.subscribe,
  };

  /** How fast they are checked. */
  readonly pace: PaceView = {
    registries: () => this.#options.registries.turns.figures(),
    countsOf: (resource) => this.#countsOf(resource),
    roundMsOf: (resource) => {
      const { slotMsOf } = this.#options.registries.turns;
      const counts = [...this.#countsOf(resource)];
      return Math.max(0, ...counts.map(([registry, count]) => count * slotMsOf(registry)));
    },
  };

  /**
   * Whether a resource's images are planned by its present spec, so that it tracks all that are
   * `listed`; true of one that is left out.
   */
  readonly isPlanned = (resource: string, listed: readonly string[] = []): boolean => {
    const present = findAvailability(this.#options.table.current(), resource);
    if (present === undefined) return true;
    const plan = this.#plans.get(resource);
    return (
      plan?.isPlanned === true && listed.every((image) => plan.images.get(image) !== undefined)
    );
  };

  /** Tells of each check that came to an end, once however many resources it served. */
  readonly onCheck = this.#finishedChecks.subscribe;

  /** No check begins any more; those in flight have their time to end. */
  readonly drain = async (): Promise<void> => {
    this.#options.registries.turns.end();
    await this.#checks.drain(drainMs);
    // The actors take in what came last before anybody writes it down.
    await nextTurn();
  };

  #plansLogic(): PlansLogic {
    const { runtime } = this.#system;
    return supervise(runtime, {
      type: 'reconcile',
      policy: 'object',
      logic: (key) => {
        const plan = this.#plans.get(resourceOf(key)) ?? this.#addPlan(resourceOf(key));
        return reconcileLogic(runtime, {
          ...{ settleMs, watch: plan.watch },
          work: async (input, signal) => {
            const outcome = await plan.work(input, signal);
            if (!signal.aborted) this.#openTurns();
            return outcome;
          },
        });
      },
    });
  }

  #addPlan(resource: string): ResourcePlan {
    const { resources, registries, configuration } = this.#options;
    const stored = resources.kuik.get('ClusterImageSetAvailability');
    const plan = new ResourcePlan(this.#system, resource, {
      ...{ ...this.#options, pods: resources.pods, policy: configuration },
      ...{ checks: this.#checks, turns: registries.turns },
      observedGeneration: (name) => observedGenerationOf(stored?.get(name)),
      tellChanged: this.#changed.tell,
    });
    this.#plans.set(resource, plan);
    return plan;
  }

  /** Begins what lasts as long as a term; returns how to end it. */
  #begin(): () => void {
    const { table, registries, resources } = this.#options;
    const { turns } = registries;
    const { unrecordedUntilMs } = this.#system.term() ?? {};
    turns.begin({ unrecordedUntilMs, run: this.#checks.run });
    const stops = [
      table.subscribe(this.#follow),
      registries.onAnswer(this.#checks.see),
      this.#system.runtime.clock.after(restoredWithinMs, turns.open),
    ];
    const kinds = resources.kuik.get('ClusterImageSetAvailability');
    void Promise.all([resources.pods.synced, kinds?.synced])
      // The table is compiled a turn after its stores have changed.
      .then(() => nextTurn())
      .then(() => nextTurn())
      .then(this.#follow);
    return () => {
      for (const stop of stops) stop();
      turns.end();
      this.#checks.clear();
      this.#plans.clear();
    };
  }

  /** Each resource has its plan, which ends by itself; none before all Pods and resources are known. */
  readonly #follow = (): void => {
    const plans = this.#system.find<PlansLogic>(plansId);
    const { resources, table } = this.#options;
    const stores = [resources.pods, resources.kuik.get('ClusterImageSetAvailability')];
    if (plans === undefined || stores.some((store) => store?.isSynced() !== true)) return;
    this.#forgetEnded(plans);
    for (const { identity } of table.current().availabilities) {
      plans.send({ type: 'child.add', key: planKeyOf(identity.name), input: undefined });
    }
    this.#openTurns();
  };

  #forgetEnded(plans: ActorRefFrom<PlansLogic>): void {
    const { children, broken } = plans.getSnapshot();
    for (const resource of this.#plans.keys()) {
      const key = planKeyOf(resource);
      if (!children.has(key) && !broken.has(key)) this.#plans.delete(resource);
    }
  }

  /** Nothing is checked before all is restored. */
  #openTurns(): void {
    const { table, registries } = this.#options;
    const all = table.current().availabilities.map(({ identity }) => identity.name);
    const isRestored = (resource: string) => this.#plans.get(resource)?.isRestored === true;
    if (all.every(isRestored)) registries.turns.open();
  }

  #countsOf(resource: string): ReadonlyMap<string, number> {
    const counts = new Map(this.#plans.get(resource)?.images.counts());
    // Whatever other resources have checked there takes its turns in between.
    for (const { registry, queued, inFlight } of this.#options.registries.turns.figures()) {
      const own = counts.get(registry);
      if (own !== undefined) counts.set(registry, Math.max(own, queued + inFlight));
    }
    return counts;
  }
}

function observedGenerationOf(resource: KuikResource | undefined): number | undefined {
  return resource?.status?.conditions?.find(({ type }) => type === 'Ready')?.observedGeneration;
}
