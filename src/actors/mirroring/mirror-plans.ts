import { setImmediate as nextTurn } from 'node:timers/promises';
import type { ActorRefFrom } from 'xstate';
import type { RoutingTableKeeper } from '#actors/keep-routing-table.ts';
import { reconcileLogic } from '#actors/reconcile.ts';
import { type SupervisorLogic, supervise } from '#actors/supervisor.ts';
import type { KuikSystem } from '#actors/system.ts';
import type { KuikResource } from '#api/kinds.ts';
import { resourceName } from '#api/kinds.ts';
import { Listeners } from '#core/listeners.ts';
import type { Claimant } from '#core/mirroring/claimants.ts';
import type { Releases } from '#core/mirroring/running-images.ts';
import { compileResource } from '#core/routing/compile-resource.ts';
import type { CompiledMirror, CompiledResource } from '#core/routing/compiled.ts';
import type { Store, StoreChange } from '#kube/store.ts';
import type { reconcileMachine } from '#machines/reconcile.ts';
import { MirrorPlan } from './mirror-plan.ts';
import type { MirrorPlanContext, MirrorPlanListener } from './mirror-plan-context.ts';
import type { MirroredCopies } from './mirrored-copies.ts';
import { ResourceMirror } from './resource-mirror.ts';

/** What the plans of all resources share. */
export interface MirrorPlansOptions
  extends Omit<
    MirrorPlanContext,
    'objectOf' | 'compiledOf' | 'compile' | 'isReady' | 'touch' | 'listener'
  > {
  /** The stores of both kinds. */
  readonly stores: readonly Store<KuikResource>[];
  readonly table: Pick<RoutingTableKeeper, 'current' | 'subscribe'>;
  readonly copies: MirroredCopies;
  readonly wants: MirrorPlanContext['wants'] & WantsKeeper;
  readonly listener: Omit<MirrorPlanListener, 'restored'> & {
    /** A resource is there, and is planned from now on. */
    readonly added: (resource: string) => void;
    /** It is gone, or nobody plans it any more. */
    readonly removed: (resource: string) => void;
  };
}

/** Who reads what Pods want. */
interface WantsKeeper {
  readonly begin: () => () => void;
  readonly renew: () => Promise<void>;
  readonly onReleased: (listener: (releases: Releases) => void) => () => void;
  readonly onRenewed: (listener: () => void) => () => void;
}

/** The supervisor of what plans the resources. */
type PlansLogic = SupervisorLogic<typeof reconcileMachine>;

/** That supervisor's id. */
export const mirrorPlansId = 'mirror-plans';

const planKeyOf = (resource: string) => `mirror/${resource}`;
const resourceOf = (planKey: string) => planKey.slice(planKeyOf('').length);
/** Pods of a rollout come together; one that waits for its image does not wait longer than this. */
const settleMs = 20;
/** One resource that cannot be restored must not keep the others from being mirrored for ever. */
const restoredWithinMs = 60_000;

/** The plans of all (Cluster)ImageSetMirrors, each with its `reconcile`. */
export class MirrorPlans {
  readonly #system: KuikSystem;
  readonly #options: MirrorPlansOptions;
  readonly #restored = new Listeners();
  readonly #plans = new Map<string, MirrorPlan>();
  /** Whether those that cannot be restored are not waited for any longer. */
  #isLate = false;
  #compiled: readonly CompiledResource[] = [];

  constructor(system: KuikSystem, options: MirrorPlansOptions) {
    this.#system = system;
    this.#options = options;
  }

  readonly get = (resource: string): MirrorPlan | undefined => this.#plans.get(resource);

  readonly mirrorOf = (resource: string): ResourceMirror | undefined =>
    this.#plans.get(resource)?.mirror;

  /** Tells when all that a resource had mirrored before is there again. */
  readonly onRestored = this.#restored.subscribe;

  /** Those of which all that was mirrored before is there again. */
  readonly restored = (): readonly string[] =>
    [...this.#plans].flatMap(([resource, plan]) => (plan.isRestored ? [resource] : []));

  /** What those take care of. */
  readonly mirrors = (): readonly ResourceMirror[] =>
    [...this.#plans.values()].flatMap((plan) => (plan.isRestored ? plan.mirror : []));

  /** Has images planned again that depend on what has changed elsewhere. */
  readonly touch = (claimants: readonly Claimant[]): void => {
    for (const { resource, image } of claimants) this.#plans.get(resource)?.touch(image);
  };

  /** What copies are to hold has changed. */
  readonly touchAll = (): void => {
    for (const plan of this.#plans.values()) plan.touchAll();
  };

  readonly logic = (): PlansLogic => {
    const { runtime } = this.#system;
    return supervise(runtime, {
      type: 'reconcile',
      policy: 'object',
      logic: (key) => {
        const plan = this.#plans.get(resourceOf(key)) ?? this.#add(resourceOf(key));
        return reconcileLogic(runtime, {
          ...{ settleMs, watch: plan.watch },
          work: async (input, signal) => {
            const outcome = await plan.work(input, signal);
            if (outcome.kind === 'gone') this.#forget(resourceOf(key));
            return outcome;
          },
        });
      },
    });
  };

  /** Begins what lasts as long as a term; returns how to end it. */
  readonly begin = (): (() => void) => {
    const { table, wants, stores, pods } = this.#options;
    this.#isLate = false;
    let endWants = (): void => {};
    let hasEnded = false;
    const stops = [
      table.subscribe(this.#followTable),
      ...stores.map((store) => store.subscribe(this.#see)),
      wants.onReleased(this.#release),
      wants.onRenewed(() => this.#lookAll()),
      this.#system.runtime.clock.after(restoredWithinMs, () => {
        this.#isLate = true;
        this.#lookAll();
      }),
    ];
    void Promise.all([pods.synced, ...stores.map(({ synced }) => synced)])
      // The table is compiled a turn after its stores have changed.
      .then(() => nextTurn())
      .then(() => nextTurn())
      .then(() => {
        if (hasEnded) return;
        endWants = wants.begin();
        this.#followTable();
        for (const object of this.#objects()) this.#start(resourceName(object));
      });
    return () => {
      hasEnded = true;
      for (const stop of stops) stop();
      endWants();
      for (const resource of this.#plans.keys()) this.#options.claims.removeResource(resource);
      this.#plans.clear();
      this.#compiled = [];
    };
  };

  #add(resource: string): MirrorPlan {
    const { copies, listener } = this.#options;
    const mirror = new ResourceMirror(resource, copies);
    const plan = new MirrorPlan(this.#system.runtime, mirror, {
      ...this.#options,
      objectOf: this.objectOf,
      compiledOf: this.#compiledOf,
      compile: compileMirror,
      isReady: this.#isReady,
      touch: this.touch,
      listener: { ...listener, restored: this.#tellRestored },
    });
    this.#plans.set(resource, plan);
    listener.added(resource);
    return plan;
  }

  #forget(resource: string): void {
    this.#plans.delete(resource);
    this.#options.claims.removeResource(resource);
    this.#options.listener.removed(resource);
  }

  #start(resource: string): void {
    const plans = this.#system.find<PlansLogic>(mirrorPlansId) as
      | ActorRefFrom<PlansLogic>
      | undefined;
    plans?.send({ type: 'child.add', key: planKeyOf(resource), input: undefined });
  }

  readonly #tellRestored = (): void => {
    this.#lookAll();
    this.#restored.tell();
  };

  readonly #lookAll = (): void => {
    for (const plan of this.#plans.values()) plan.look();
  };

  /** An echo of our own status plans nothing: only another object, or its end, is news. */
  readonly #see = ({ kind, value }: StoreChange<KuikResource>): void => {
    const resource = resourceName(value);
    const plan = this.#plans.get(resource);
    if (plan === undefined) {
      if (kind !== 'deleted' && this.#isSynced()) this.#start(resource);
    } else if (kind === 'deleted' || plan.isOutdatedBy(value)) plan.look();
  };

  /** What annotations and equivalents are judged by may have changed. */
  readonly #followTable = (): void => {
    const compiled = [...this.#options.table.current().entries.values()].flatMap(({ outcome }) =>
      outcome.ok && outcome.value.type !== 'availability' ? outcome.value : [],
    );
    const isSame =
      compiled.length === this.#compiled.length &&
      compiled.every((one, at) => one === this.#compiled[at]);
    this.#compiled = compiled;
    if (!isSame && this.#options.wants.isCounted) void this.#options.wants.renew();
    for (const plan of this.#plans.values()) if (!plan.isPlanned) plan.look();
  };

  readonly #release = (releases: Releases): void => {
    const { claims } = this.#options;
    const { taken, running, originals } = releases;
    const places = [...taken, ...running].flatMap((key) => claims.claimants(key));
    const touched = Map.groupBy(places, ({ resource }) => resource);
    const keys = [...taken, ...originals];
    for (const [resource, plan] of this.#plans) {
      const images = (touched.get(resource) ?? []).map(({ image }) => image);
      images.push(...keys.flatMap((key) => [...plan.mirror.named(key)]));
      if (images.length > 0) plan.release(releases, images);
    }
  };

  readonly #isReady = (): boolean => {
    if (this.#isLate) return true;
    const isRestored = (object: KuikResource) =>
      this.#plans.get(resourceName(object))?.isRestored === true;
    return this.#objects().every(isRestored);
  };

  #isSynced(): boolean {
    const { pods, stores } = this.#options;
    return pods.isSynced() && stores.every((store) => store.isSynced());
  }

  #objects(): readonly KuikResource[] {
    return this.#options.stores.flatMap((store) => [...store.values()]);
  }

  /** The object as it is stored now; undefined once it is gone. */
  readonly objectOf = (resource: string): KuikResource | undefined => {
    const [kind, ...path] = resource.split('/');
    const found = this.#options.stores.map((store) => store.get(path.join('/')));
    return found.find((object) => object?.kind === kind);
  };

  readonly #compiledOf = (resource: string): CompiledMirror | undefined => {
    const compiled = this.#options.table.current().find(resource);
    return compiled?.type === 'mirror' ? compiled : undefined;
  };
}

function compileMirror(object: KuikResource): CompiledMirror | undefined {
  const compiled = compileResource(object);
  return compiled.ok && compiled.value.type === 'mirror' ? compiled.value : undefined;
}
