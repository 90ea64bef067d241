import { setImmediate as nextTurn } from 'node:timers/promises';
import { fromCallback } from 'xstate';
import { coalescedListeners } from '#actors/coalesced-listeners.ts';
import type { RoutingTableKeeper } from '#actors/keep-routing-table.ts';
import type { LostCopies } from '#actors/lost-copies/lost-copies.ts';
import type { Registries } from '#actors/registries/registries.ts';
import { addMirrorStatus } from '#actors/reporting/mirror-status.ts';
import type { MirrorStore } from '#actors/reporting/mirror-store.ts';
import type { StatusWriters, WrittenEntries } from '#actors/reporting/status-writers.ts';
import type { SecretReader } from '#actors/secrets/secret-reader.ts';
import type { SecretSources } from '#actors/secrets/secret-sources.ts';
import type { KuikSystem } from '#actors/system.ts';
import type { WatchedResources } from '#actors/watch-resources.ts';
import type { KuikResource } from '#api/kinds.ts';
import type { ImageReference } from '#core/image/reference.ts';
import { ClaimIndex } from '#core/mirroring/claim-index.ts';
import { placeKeyOf } from '#core/mirroring/copy-places.ts';
import type { MirroredImages } from '#core/mirroring/mirrored-image.ts';
import { keptPlatforms, type PlatformsSetting } from '#core/mirroring/platforms.ts';
import type { MirroringView } from '#core/mirroring/running-copy.ts';
import type { CopyActorState } from '#core/mirroring/told-state.ts';
import type { RoutingPolicy } from '#core/routing/policy.ts';
import type { KubeClient } from '#kube/client.ts';
import { createStore } from '#kube/store.ts';
import type { CopyRequest, ImageCopier } from '#oci/copy.ts';
import { CopyCourse } from './copy-course.ts';
import { CopyDeletions } from './copy-deletions.ts';
import { CopyImage } from './copy-image.ts';
import { CopyLooks } from './copy-looks.ts';
import { FinalizeSet } from './finalize-set.ts';
import { FreshPods } from './fresh-pods.ts';
import { MirrorCredentials } from './mirror-credentials.ts';
import { MirrorPlans, mirrorPlansId } from './mirror-plans.ts';
import { MirrorPods } from './mirror-pods.ts';
import { MirrorSets, mirrorSetsId, mirrorSetsLogic } from './mirror-sets.ts';
import { MirrorTargets, mirrorTargetsId } from './mirror-targets.ts';
import { MirroredCopies, mirroredImagesId } from './mirrored-copies.ts';
import type { MirroredCopy } from './mirrored-copy.ts';
import type { MirroringNews } from './mirroring-news.ts';
import { PlaceJudge } from './place-judge.ts';
import { RunningCopies } from './running-copies.ts';
import { keepFinalizers } from './set-finalizers.ts';

/** What images are mirrored with. */
export interface MirroringOptions {
  readonly resources: Pick<WatchedResources, 'pods' | 'kuik' | 'architectures'>;
  readonly client: KubeClient;
  /** Where statuses are restored from, and written to. */
  readonly store: MirrorStore;
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
  /** Told of what happens, for metrics and events. */
  readonly news: MirroringNews;
}

/** Behaviour §8: what is in flight when the process ends has so long. */
const drainMs = 5_000;
const mirrorKinds = ['ImageSetMirror', 'ClusterImageSetMirror'] as const;

/** Which images are mirrored where, and what becomes of their copies. */
export class Mirroring implements MirroringView {
  readonly #system: KuikSystem;
  readonly #options: MirroringOptions;
  readonly #claims = new ClaimIndex();
  readonly #changed = coalescedListeners();
  readonly #running: RunningCopies;
  readonly #wants: MirrorPods;
  readonly #copies: MirroredCopies;
  readonly #targets: MirrorTargets;
  readonly #sets: MirrorSets;
  readonly #judge: PlaceJudge;
  readonly #plans: MirrorPlans;
  readonly #deletions: CopyDeletions;
  readonly #course: CopyCourse;
  /** Who writes the statuses, and tells when an entry stands. */
  readonly statuses: StatusWriters;

  constructor(system: KuikSystem, options: MirroringOptions) {
    this.#system = system;
    this.#options = options;
    const { runtime } = system;
    const { client, namespace, table, copier, registries, configuration, news } = options;
    const { concurrency } = configuration.mirroring;
    const { pods, kuik } = options.resources;
    const credentials = new MirrorCredentials(options.secrets.reader);
    this.#running = new RunningCopies(runtime);
    this.#wants = new MirrorPods({ pods, table, isRecorded: this.#claims.isRecorded });
    this.#copies = new MirroredCopies(system, {
      ...{ moved: this.#moved, turned: this.#turned, rebased: this.#rebased },
    });
    this.#targets = new MirrorTargets(system, { concurrency });
    this.#sets = new MirrorSets(system);
    this.#judge = new PlaceJudge({
      ...{ claims: this.#claims, table, now: runtime.now },
      mirrorOf: (resource) => this.#plans.mirrorOf(resource),
      running: () => this.#wants.running,
    });
    this.#plans = this.#createPlans();
    this.#deletions = new CopyDeletions(runtime, {
      ...{ copier, registries, credentials, concurrency, leads: system.leads },
      ...{ entries: this.#entries, dueFor: this.#judge.dueFor, ended: news.deleted },
      pods: new FreshPods(client, () => this.#wants.reader),
      deletingSinceMs: (resource) => this.#plans.mirrorOf(resource)?.deletingSinceMs,
    });
    const { targets, deletions } = { targets: this.#targets, deletions: this.#deletions };
    this.#course = new CopyCourse(runtime, { targets, deletions, copied: news.copied });
    const copies = new CopyImage(runtime, {
      ...{ copier, registries, credentials, table, running: this.#running, judge: this.#judge },
      ...{ entries: this.#entries, platforms: this.#platforms, ended: this.#course.ended },
    });
    const looks = new CopyLooks(runtime, {
      ...{ copier, registries, credentials, concurrency, copies: this.#copies },
      onRestored: this.#plans.onRestored,
    });
    const finalizing = new FinalizeSet(runtime, {
      ...{ client, judge: this.#judge, mirrorOf: this.#plans.mirrorOf },
      ...{ objectOf: this.#plans.objectOf, changed: this.#changed.tell },
      abandoned: news.abandoned,
    });
    const effects = { copy: copies.run, look: looks.run, remove: this.#deletions.run };
    system.whileLeading({ id: mirrorTargetsId, logic: this.#targets.logic() });
    system.whileLeading({ id: mirroredImagesId, logic: this.#copies.logic(runtime, effects) });
    system.whileLeading({ id: mirrorSetsId, logic: mirrorSetsLogic(runtime, finalizing.run) });
    system.whileLeading({ id: mirrorPlansId, logic: this.#plans.logic() });
    system.whileLeading({ id: 'reconcile:copy-looks', logic: looks.logic() });
    system.whileLeading({ id: 'mirroring', logic: fromCallback(() => this.#begin()) });
    // Added last: what is written is what was there before it is torn down.
    const resources = kuik.get('ImageSetMirror') ?? createStore<KuikResource>();
    this.statuses = addMirrorStatus(system, {
      ...{ images: this.images, store: options.store },
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
    imageOf: (resource, image) => {
      const plan = this.#plans.get(resource);
      return plan?.isRestored === true ? plan.mirror.entry(image) : undefined;
    },
    subscribe: this.#changed.subscribe,
  };

  /** The copies that are being made at this moment. */
  readonly running = (): ReturnType<RunningCopies['list']> => this.#running.list();

  /** What waits for each mirror, and since when, monotonic ms. */
  readonly queues = (): ReturnType<MirrorTargets['figures']> => this.#targets.figures();

  /** Whether a resource is planned by its present spec; true of one that is left out. */
  readonly isPlanned = (resource: string): boolean => {
    if (this.#options.table.current().find(resource) === undefined) return true;
    return this.#plans.get(resource)?.isPlanned === true;
  };

  readonly objectOf = (resource: string): KuikResource | undefined =>
    this.#plans.objectOf(resource);

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

  readonly #entries: WrittenEntries = {
    stands: (...asked) => this.statuses.stands(...asked),
    written: (...asked) => this.statuses.written(...asked),
    recorded: (...asked) => this.statuses.recorded(...asked),
  };

  #createPlans(): MirrorPlans {
    const { resources, table, client, store, configuration, isNodeOnly } = this.#options;
    const { pods, kuik } = resources;
    return new MirrorPlans(this.#system, {
      ...{ pods, table, isNodeOnly, claims: this.#claims, wants: this.#wants },
      ...{ copies: this.#copies, policy: configuration },
      ...{ judge: this.#judge.judge, restore: store.restore },
      stores: mirrorKinds.map((kind) => kuik.get(kind) ?? createStore<KuikResource>()),
      keepFinalizers: async (change, signal) => {
        const kept = await keepFinalizers(client, change, signal);
        if (kept.ok || signal.aborted) return;
        const { name, namespace } = change.object.metadata;
        const fields = { name, namespace, failure: kept.error };
        this.#system.runtime.log.warn(fields, 'the finalizers of a resource could not be written');
      },
      listener: {
        added: this.#sets.add,
        removed: this.#sets.remove,
        began: (resource) => this.#sets.send(resource, 'plan.began'),
        planned: this.#tellSet,
        deleting: (resource) => this.#sets.send(resource, 'set.deleted'),
        dismissed: this.#startAnew,
        changed: this.#changed.tell,
      },
    });
  }

  /** Begins what lasts as long as a term; returns how to end it. */
  #begin(): () => void {
    const { registries, lostCopies, secrets } = this.#options;
    const stops = [
      registries.onReachability((host, reachability) => {
        if (reachability === 'Closed') this.#targets.answered(host);
      }),
      lostCopies.subscribe(({ copy }) => this.lost(copy)),
      secrets.sources.subscribe(this.#retryDenied),
      this.#plans.begin(),
    ];
    return () => {
      for (const stop of stops) stop();
      this.#deletions.clear();
      this.#targets.clear();
      this.#copies.clear();
    };
  }

  readonly #startAnew = (resource: string): void => {
    this.#sets.remove(resource);
    this.#sets.add(resource);
    this.#changed.tell(resource);
  };

  readonly #moved = (copy: MirroredCopy, from: CopyActorState, to: CopyActorState): void => {
    this.#course.enter(copy, from, to);
    for (const resource of [...copy.demands.keys()]) {
      this.#plans.mirrorOf(resource)?.see(copy);
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

  readonly #turned = (copy: MirroredCopy): void => {
    if (copy.state === 'Scheduled') this.#targets.put(copy);
  };

  /** What failed may do better now. */
  readonly #rebased = (copy: MirroredCopy): void => {
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

  readonly #platforms = (): CopyRequest['platforms'] => {
    const { resources, configuration } = this.#options;
    const architectures = resources.architectures() ?? [];
    const kept = keptPlatforms(configuration.mirroring.platforms, architectures);
    return kept === 'all' ? kept : kept.map((platform) => ({ os: 'linux', ...platform }));
  };
}
