import { setImmediate as nextTurn } from 'node:timers/promises';
import { fromCallback } from 'xstate';
import { coalescedListeners } from '#actors/coalesced-listeners.ts';
import type { RoutingTableKeeper } from '#actors/keep-routing-table.ts';
import type { LostCopies } from '#actors/lost-copies/lost-copies.ts';
import type { Registries } from '#actors/registries/registries.ts';
import { addMirrorStatus } from '#actors/reporting/mirror-status.ts';
import { type MirrorStore, mirrorStore } from '#actors/reporting/mirror-store.ts';
import type { StatusWriters } from '#actors/reporting/status-writers.ts';
import type { SecretReader } from '#actors/secrets/secret-reader.ts';
import type { SecretSources } from '#actors/secrets/secret-sources.ts';
import type { KuikSystem } from '#actors/system.ts';
import type { WatchedResources } from '#actors/watch-resources.ts';
import type { KuikResource } from '#api/kinds.ts';
import type { ImageReference } from '#core/image/reference.ts';
import { ClaimIndex } from '#core/mirroring/claim-index.ts';
import { type CopyJudgement, isThere } from '#core/mirroring/copy-claims.ts';
import { placeKeyOf } from '#core/mirroring/copy-places.ts';
import { copyBackoff } from '#core/mirroring/copy-retry.ts';
import { copySources, createEquivalence } from '#core/mirroring/copy-sources.ts';
import type { MirroredImages } from '#core/mirroring/mirrored-image.ts';
import { keptPlatforms, type PlatformsSetting } from '#core/mirroring/platforms.ts';
import type { RunningCopy } from '#core/mirroring/running-copy.ts';
import type { CopyActorState } from '#core/mirroring/told-state.ts';
import type { RoutingPolicy } from '#core/routing/policy.ts';
import type { KubeClient } from '#kube/client.ts';
import { createStore } from '#kube/store.ts';
import type { CopyRequest, ImageCopier } from '#oci/copy.ts';
import { CopyCourse } from './copy-course.ts';
import { type CopyBehalf, CopyImage, type HeldPlace } from './copy-image.ts';
import { MirrorCredentials } from './mirror-credentials.ts';
import { MirrorPlans, mirrorPlansId } from './mirror-plans.ts';
import { MirrorPods } from './mirror-pods.ts';
import { MirrorSets, mirrorSetsId, mirrorSetsLogic } from './mirror-sets.ts';
import { MirrorTargets, mirrorTargetsId } from './mirror-targets.ts';
import { MirroredCopies, mirroredImagesId } from './mirrored-copies.ts';
import type { MirroredCopy } from './mirrored-copy.ts';
import { RunningCopies } from './running-copies.ts';

/** Adds it to the system: while this process leads, images are copied, looked after and deleted. */
export function addMirroring(system: KuikSystem, options: MirroringOptions): Mirroring {
  return new Mirroring(system, options);
}

/** What images are mirrored with. */
export interface MirroringOptions {
  readonly resources: Pick<WatchedResources, 'pods' | 'kuik' | 'architectures'>;
  readonly client: KubeClient;
  /** The operator's own, where the overflow is kept. */
  readonly namespace: string;
  readonly table: Pick<RoutingTableKeeper, 'current' | 'subscribe'>;
  readonly registries: Pick<Registries, 'reachability' | 'tell' | 'quotaOf' | 'onReachability'>;
  readonly secrets: {
    readonly reader: Pick<SecretReader, 'read'>;
    /** The Secrets that resources name, as they change. */
    readonly sources: Pick<SecretSources, 'subscribe'>;
  };
  readonly copier: ImageCopier;
  /** What reviews found to be gone. */
  readonly lostCopies: Pick<LostCopies, 'subscribe'>;
  readonly configuration: Pick<RoutingPolicy, 'skipLabels' | 'skipAnnotations'> & {
    readonly mirroring: { readonly concurrency: number; readonly platforms: PlatformsSetting };
  };
  readonly isNodeOnly: (reference: ImageReference) => boolean;
}

/** Behaviour §8: what is in flight when the process ends has so long. */
const drainMs = 5_000;

/** The door of mirroring: which images are mirrored where, and what becomes of their copies. */
export class Mirroring {
  readonly #system: KuikSystem;
  readonly #options: MirroringOptions;
  readonly #copies: MirroredCopies;
  readonly #targets: MirrorTargets;
  readonly #sets: MirrorSets;
  readonly #plans: MirrorPlans;
  readonly #claims = new ClaimIndex();
  readonly #course: CopyCourse;
  readonly #running: RunningCopies;
  readonly #changed = coalescedListeners();
  readonly #store: MirrorStore;
  /** Who writes the statuses, and tells when an entry stands. */
  readonly statuses: StatusWriters;

  constructor(system: KuikSystem, options: MirroringOptions) {
    this.#system = system;
    this.#options = options;
    const { runtime } = system;
    const { client, namespace } = options;
    this.#store = mirrorStore(runtime, { client, namespace });
    this.#copies = new MirroredCopies(system, { moved: this.#moved, demanded: this.#demanded });
    this.#targets = new MirrorTargets(system, {
      concurrency: options.configuration.mirroring.concurrency,
      backoffMs: (failures) => backoffMs(failures),
    });
    this.#sets = new MirrorSets(system);
    this.#running = new RunningCopies(runtime);
    this.#course = new CopyCourse(runtime, { targets: this.#targets, expired: () => {} });
    this.#plans = this.#createPlans();
    system.whileLeading({ id: mirrorTargetsId, logic: this.#targets.logic() });
    const copy = new CopyImage(runtime, {
      ...options,
      ...{ running: this.#running, behalvesOf: this.#behalvesOf, othersOf: this.#othersOf },
      ended: this.#course.ended,
      credentials: new MirrorCredentials(options.secrets.reader),
      platforms: this.#platforms,
      entries: {
        stands: (...asked) => this.statuses.stands(...asked),
        written: (...asked) => this.statuses.written(...asked),
      },
    });
    const images = this.#copies.logic(runtime, {
      copy: copy.run,
      look: async () => ({ kind: 'unknown' }),
      remove: async () => ({ kind: 'wanted' }),
    });
    system.whileLeading({ id: mirroredImagesId, logic: images });
    system.whileLeading({ id: mirrorSetsId, logic: mirrorSetsLogic(runtime, async () => {}) });
    system.whileLeading({ id: mirrorPlansId, logic: this.#plans.logic() });
    system.whileLeading({ id: 'mirroring', logic: fromCallback(() => this.#begin()) });
    // Added last: what is written is what was there before it is torn down.
    const resources = options.resources.kuik.get('ImageSetMirror') ?? createStore<KuikResource>();
    this.statuses = addMirrorStatus(system, {
      ...{ images: this.images, store: this.#store },
      overflow: { client, namespace, resources },
    });
  }

  /** Images by resource, once all that was mirrored before is there again. */
  readonly images: MirroredImages = {
    resources: () => this.#plans.restored(),
    imagesOf: (resource) => {
      const plan = this.#plans.get(resource);
      return plan?.isRestored === true ? plan.mirror.images() : [];
    },
    subscribe: this.#changed.subscribe,
  };

  /** The copies that are being made at this moment. */
  readonly running = (): readonly RunningCopy[] => this.#running.list();

  /** What waits for each mirror, and since when, monotonic ms. */
  readonly queues = (): ReturnType<MirrorTargets['figures']> => this.#targets.figures();

  /** Somebody saw that a copy, by its full form, is not there any more. */
  readonly lost = (copy: string): void => {
    const message = `${copy}: it is not there any more, as a review has seen`;
    for (const one of this.#copies.at(placeKeyOf(copy))) one.send({ type: 'copy.lost', message });
  };

  /** No copy begins any more; those in flight have their time to end. */
  readonly drain = async (): Promise<void> => {
    this.#targets.pause();
    await this.#targets.ended(drainMs);
    // The actors take in what came last before anybody writes it down.
    await nextTurn();
  };

  #createPlans(): MirrorPlans {
    const { resources, table, configuration, isNodeOnly } = this.#options;
    const { pods, kuik } = resources;
    const claims = this.#claims;
    const wants = new MirrorPods({ pods, table, isRecorded: claims.isRecorded });
    return new MirrorPlans(this.#system, {
      ...{ pods, table, claims, wants, isNodeOnly, copies: this.#copies },
      ...{
        policy: configuration,
        restore: this.#store.restore,
        judge: this.#judge,
      },
      stores: mirrorKinds.map((kind) => kuik.get(kind) ?? createStore<KuikResource>()),
      listener: {
        added: this.#sets.add,
        removed: this.#sets.remove,
        began: (resource) => this.#sets.send(resource, 'plan.began'),
        planned: this.#tellSet,
        deleting: (resource) => this.#sets.send(resource, 'set.deleted'),
        changed: this.#changed.tell,
      },
    });
  }

  /** Begins what lasts as long as a term; returns how to end it. */
  #begin(): () => void {
    const { registries, lostCopies, secrets } = this.#options;
    const end = this.#plans.begin();
    const stops = [
      registries.onReachability((host, reachability) => {
        if (reachability === 'Closed') this.#targets.answered(host);
      }),
      lostCopies.subscribe(({ copy }) => this.lost(copy)),
      secrets.sources.subscribe(this.#retryDenied),
    ];
    return () => {
      for (const stop of stops) stop();
      end();
      this.#targets.clear();
      this.#copies.clear();
    };
  }

  readonly #moved = (copy: MirroredCopy, from: CopyActorState, to: CopyActorState): void => {
    this.#course.enter(copy, from, to);
    for (const resource of [...copy.demands.keys()]) {
      const mirror = this.#plans.mirrorOf(resource);
      mirror?.see(copy);
      if (to === 'Gone') this.#loseCopy(copy, resource);
      this.#tellSet(resource);
      this.#changed.tell(resource);
    }
  };

  /** There is nothing left of it: whoever waits for its place may have it now. */
  #loseCopy(copy: MirroredCopy, resource: string): void {
    this.#plans.mirrorOf(resource)?.lose(copy);
    const others = this.#claims.update(resource, copy.image);
    this.#plans.touch([{ resource, image: copy.image }, ...others]);
  }

  /** What is in line takes its turn; what failed of another reason may do better now. */
  readonly #demanded = (copy: MirroredCopy): void => {
    if (copy.state === 'Scheduled') this.#targets.put(copy);
    if (copy.state === 'BackingOff' || copy.state === 'Failed') copy.send({ type: 'retry.due' });
  };

  /** A Secret that resources name has changed: who was not let in may be now. */
  readonly #retryDenied = (): void => {
    for (const copy of this.#copies.all()) {
      const { failure } = copy.known;
      const isDenied = failure === 'denied' || failure === 'source-denied';
      if (isDenied) copy.send({ type: 'retry.due' });
    }
  };

  readonly #tellSet = (resource: string): void => {
    const mirror = this.#plans.mirrorOf(resource);
    if (mirror === undefined) return;
    this.#sets.send(resource, mirror.pending.size > 0 ? 'copies.wanted' : 'copies.done');
  };

  /** By the claims of all resources on a place, in the eyes of each of them. */
  readonly #judge = (key: string): CopyJudgement =>
    this.#claims.judge(
      key,
      createEquivalence({
        table: this.#options.table.current(),
        mirrorOf: (resource) => this.#plans.mirrorOf(resource)?.compiled,
        podOf: (resource, image) => this.#plans.mirrorOf(resource)?.use(image)?.pod,
      }),
    );

  readonly #platforms = (): CopyRequest['platforms'] => {
    const { resources, configuration } = this.#options;
    const architectures = resources.architectures() ?? [];
    const kept = keptPlatforms(configuration.mirroring.platforms, architectures);
    return kept === 'all' ? kept : kept.map((platform) => ({ os: 'linux', ...platform }));
  };

  readonly #othersOf = (copy: MirroredCopy): HeldPlace => {
    const { holding, colliding } = this.#judge(copy.place.key);
    const sharing = holding.filter(
      (claim) => claim.image !== copy.image && !colliding.includes(claim),
    );
    return {
      recorded: holding.flatMap(({ recorded }) => recorded ?? []),
      shared: sharing.find(isThere)?.recorded,
      sources: holding.flatMap(({ resource, image }) => {
        const mirror = this.#plans.mirrorOf(resource);
        const pod = mirror?.use(image)?.pod;
        if (mirror?.compiled === undefined || pod === undefined) return [];
        const question = { mirror: mirror.compiled, image: copy.source, pod };
        return [copySources(this.#options.table.current(), question)];
      }),
    };
  };

  /** In the order to try; where nothing was judged for an image, nobody copies it. */
  readonly #behalvesOf = (copy: MirroredCopy): readonly CopyBehalf[] => {
    const { copiers } = this.#judge(copy.place.key);
    return copiers.flatMap(({ resource, image }) => {
      const demand = copy.demands.get(resource);
      const compiled = this.#plans.mirrorOf(resource)?.compiled;
      if (image !== copy.image || demand === undefined || compiled === undefined) return [];
      return [{ resource, compiled, ...demand }];
    });
  };
}

const mirrorKinds = ['ImageSetMirror', 'ClusterImageSetMirror'] as const;

function backoffMs(failures: number): number {
  const { baseMs, capMs } = copyBackoff;
  return Math.min(baseMs * 2 ** Math.min(failures - 1, 20), capMs);
}
