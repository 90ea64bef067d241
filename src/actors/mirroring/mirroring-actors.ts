import { setImmediate as nextTurn } from 'node:timers/promises';
import { fromCallback } from 'xstate';
import { coalescedListeners } from '#actors/coalesced-listeners.ts';
import { addMirrorStatus } from '#actors/reporting/mirror-status.ts';
import type { StatusWriters, WrittenEntries } from '#actors/reporting/status-writers.ts';
import type { KuikSystem } from '#actors/system.ts';
import type { KuikResource } from '#api/kinds.ts';
import { ClaimIndex } from '#core/mirroring/claimants.ts';
import { placeKeyOf } from '#core/mirroring/copy-places.ts';
import type { MirroredImages } from '#core/mirroring/mirrored-image.ts';
import type { MirroringView } from '#core/mirroring/running-copy.ts';
import { createStore } from '#kube/store.ts';
import { CopyCourse } from './copy-course.ts';
import { CopyDeletions } from './copy-deletions.ts';
import { CopyImage } from './copy-image.ts';
import { CopyLooks, copyLooksId } from './copy-looks.ts';
import { DeletesInFlight } from './deletes-in-flight.ts';
import { FinalizeSet } from './finalize-set.ts';
import { FreshPods } from './fresh-pods.ts';
import { MirrorCredentials } from './mirror-credentials.ts';
import { MirrorPlans, mirrorPlansId } from './mirror-plans.ts';
import { MirrorPods } from './mirror-pods.ts';
import { MirrorSets, mirrorSetsId, mirrorSetsLogic } from './mirror-sets.ts';
import { MirrorTargets, mirrorTargetsId, turnOf } from './mirror-targets.ts';
import { MirroredCopies, mirroredImagesId } from './mirrored-copies.ts';
import type { MirroredCopy } from './mirrored-copy.ts';
import type { MirroringMeans } from './mirroring-means.ts';
import { PlaceJudge } from './place-judge.ts';
import { RunningCopies } from './running-copies.ts';
import { finalizersKeeper } from './set-finalizers.ts';
import { SlowSources } from './slow-sources.ts';
import { SourceGate } from './source-gate.ts';
import { SourceHolds } from './source-holds.ts';
import { SourceLooks } from './source-looks.ts';
import { WantedPlatforms } from './wanted-platforms.ts';

/** Behaviour §8: what is in flight when the process ends has so long. */
const drainMs = 5_000;
const mirrorKinds = ['ImageSetMirror', 'ClusterImageSetMirror'] as const;

/** The actors of mirroring: which images are copied where, and what becomes of their copies. */
export class MirroringActors implements MirroringView {
  readonly #system: KuikSystem;
  readonly #options: MirroringMeans;
  readonly #claims = new ClaimIndex();
  readonly #changed = coalescedListeners();
  readonly #inFlight = new DeletesInFlight();
  readonly #running: RunningCopies;
  readonly #wants: MirrorPods;
  readonly #platforms: WantedPlatforms;
  readonly #copies: MirroredCopies;
  readonly #sources: SourceGate;
  readonly #slowSources: SlowSources;
  readonly #targets: MirrorTargets;
  readonly #sets: MirrorSets;
  readonly #judge: PlaceJudge;
  readonly #plans: MirrorPlans;
  readonly #deletions: CopyDeletions;
  readonly #course: CopyCourse;
  #isDraining = false;
  /** Who writes the statuses, and tells when an entry stands. */
  readonly statuses: StatusWriters;

  constructor(system: KuikSystem, options: MirroringMeans) {
    this.#system = system;
    this.#options = options;
    const { runtime } = system;
    const { client, namespace, table, copier, registries, configuration, news } = options;
    const { concurrency } = configuration.mirroring;
    const { pods, kuik } = options.resources;
    const credentials = new MirrorCredentials(options.secrets.reader);
    this.#running = new RunningCopies(runtime);
    this.#wants = new MirrorPods({ pods, table, isRecorded: this.#claims.isRecorded });
    this.#platforms = new WantedPlatforms(runtime, {
      ...{ setting: configuration.mirroring.platforms, resources: options.resources },
      grown: () => this.#plans.touchAll(),
    });
    this.#slowSources = new SlowSources(runtime, concurrency);
    const { lineOf, heldUntilMs } = new SourceHolds({
      ...{ credentials, table, quotas: options.quotas, slowSources: this.#slowSources },
      judge: () => this.#judge,
    });
    this.#sources = new SourceGate(runtime, {
      ...{ paceOf: options.copyPaceOf, turnOf, lineOf, heldUntilMs },
      pass: (copy) => this.#targets.put(copy),
    });
    const { admits } = this.#sources;
    const { hold } = this.#slowSources;
    this.#targets = new MirrorTargets(system, { concurrency, admits, hold });
    this.#sets = new MirrorSets(system);
    this.#course = new CopyCourse(runtime, {
      ...{ targets: this.#targets, sources: this.#sources, claims: this.#claims, sets: this.#sets },
      ...{ deletions: () => this.#deletions, plans: () => this.#plans },
      ...{ changed: this.#changed.tell, copied: news.copied, inFlight: this.#inFlight },
    });
    const looks = new CopyLooks(runtime, {
      ...{ copier, registries, credentials, concurrency, find: system.find },
      copies: { all: () => this.#copies.all() },
      onRestored: (listener) => this.#plans.onRestored(listener),
    });
    this.#copies = new MirroredCopies(system, this.#course, {
      populated: (target) => {
        this.#targets.add(target);
        looks.add(target);
      },
      emptied: (target) => {
        this.#targets.drop(target);
        looks.remove(target);
      },
    });
    this.#judge = new PlaceJudge({
      ...{ claims: this.#claims, table, now: runtime.now },
      mirrorOf: (resource) => this.#plans.mirrorOf(resource),
      running: () => this.#wants.running,
    });
    this.#plans = this.#createPlans();
    this.#deletions = new CopyDeletions(runtime, {
      ...{ copier, registries, credentials, concurrency, copiesAt: this.#copies.at },
      ...{ entries: this.#entries, dueFor: this.#judge.dueFor, ended: news.deleted },
      ...{ inFlight: this.#inFlight, deleteWithinMs: options.deleteWithinMs },
      leads: () => !this.#isDraining && options.leads(),
      answered: this.#answered,
      pods: new FreshPods(client, () => this.#wants.reader),
      deletingSinceMs: (resource) => this.#plans.mirrorOf(resource)?.deletingSinceMs,
    });
    this.#addServices(credentials, looks);
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
  readonly queues = (): ReturnType<MirrorTargets['figures']> => {
    const forSources = this.#sources.waiting();
    return this.#targets.figures().map((figures) => ({
      ...figures,
      waiting: figures.waiting + (forSources.get(figures.target) ?? 0),
    }));
  };

  /** Whether a resource is planned by its present spec; true of one that is left out. */
  readonly isPlanned = (resource: string): boolean => {
    if (this.#options.table.current().find(resource) === undefined) return true;
    return this.#plans.get(resource)?.isPlanned === true;
  };

  readonly objectOf = (resource: string): KuikResource | undefined =>
    this.#plans.objectOf(resource);

  /** Somebody saw that a copy, by its full form, is not there any more. */
  readonly lost = (copy: string): void => {
    const message = `${copy}: it is not there any more, as a review or a check has seen`;
    for (const one of this.#copies.at(placeKeyOf(copy))) one.send({ type: 'copy.lost', message });
  };

  /** No copy, and no DELETE, begins any more; those in flight have their time to end. */
  readonly drain = async (): Promise<void> => {
    this.#isDraining = true;
    this.#targets.end();
    const { clock } = this.#system.runtime;
    await Promise.all([this.#targets.ended(drainMs), this.#inFlight.allEnded(clock, drainMs)]);
    // The actors take in what came last before anybody writes it down.
    await nextTurn();
  };

  readonly #entries: WrittenEntries = {
    stands: (...asked) => this.statuses.stands(...asked),
    written: (...asked) => this.statuses.written(...asked),
    recorded: (...asked) => this.statuses.recorded(...asked),
  };

  /** The actors of all this, each stopped before what it stands on. */
  #addServices(credentials: MirrorCredentials, looks: CopyLooks): void {
    const { whileLeading, runtime } = this.#system;
    const { client, table, copier, registries, news } = this.#options;
    const copies = new CopyImage(runtime, {
      ...{ copier, registries, credentials, table, running: this.#running, judge: this.#judge },
      ...{ entries: this.#entries, ended: this.#course.ended, inFlight: this.#inFlight },
      sourceAnswered: this.#slowSources.answered,
      platforms: this.#platforms.kept,
      isNodeOnly: this.#options.isNodeOnly,
    });
    const sources = new SourceLooks(runtime, {
      ...{ registries, credentials, table, images: this.images, changed: this.#changed.tell },
      mirrors: this.#plans.mirrors,
    });
    const finalizing = new FinalizeSet(runtime, {
      ...{ client, judge: this.#judge, mirrorOf: this.#plans.mirrorOf },
      ...{ objectOf: this.#plans.objectOf, changed: this.#changed.tell },
      abandoned: news.abandoned,
    });
    const effects = { copy: copies.run, look: looks.run, remove: this.#deletions.run };
    whileLeading({ id: mirrorTargetsId, logic: this.#targets.logic() });
    whileLeading({ id: copyLooksId, logic: looks.logic() });
    whileLeading({ id: mirroredImagesId, logic: this.#copies.logic(runtime, effects) });
    whileLeading({ id: mirrorSetsId, logic: mirrorSetsLogic(runtime, finalizing.run) });
    whileLeading({ id: mirrorPlansId, logic: this.#plans.logic() });
    whileLeading({ id: 'reconcile:source-looks', logic: sources.logic() });
    whileLeading({ id: 'mirroring', logic: fromCallback(() => this.#begin()) });
  }

  #createPlans(): MirrorPlans {
    const { resources, table, client, store, configuration, isNodeOnly } = this.#options;
    const { pods, kuik } = resources;
    return new MirrorPlans(this.#system, {
      ...{ pods, table, isNodeOnly, claims: this.#claims, wants: this.#wants },
      ...{ copies: this.#copies, policy: configuration },
      ...{ judge: this.#judge.judge, restore: store.restore },
      platforms: this.#platforms.wanted,
      isBeingDeleted: (copy) => this.#inFlight.has(placeKeyOf(copy)),
      stores: mirrorKinds.map((kind) => kuik.get(kind) ?? createStore<KuikResource>()),
      keepFinalizers: finalizersKeeper(this.#system.runtime, client),
      listener: {
        added: this.#sets.add,
        removed: this.#sets.remove,
        began: (resource) => this.#sets.send(resource, 'plan.began'),
        planned: this.#course.tellSet,
        deleting: (resource) => this.#sets.send(resource, 'set.deleted'),
        dismissed: this.#startAnew,
        changed: this.#changed.tell,
      },
    });
  }

  /** Begins what lasts as long as a term; returns how to end it. */
  #begin(): () => void {
    const { registries, lostCopies, tracking, secrets } = this.#options;
    const stops = [
      this.#platforms.begin(),
      registries.onReachability((host, reachability) => {
        if (reachability === 'Closed') this.#targets.answered(host);
      }),
      lostCopies.subscribe(({ copy }) => this.lost(copy)),
      tracking.onCheck(({ image, result }) => {
        if (result === 'NotFound') this.lost(image);
      }),
      secrets.sources.subscribe(() => this.#course.retryRefused(this.#copies.all())),
      this.#plans.begin(),
    ];
    return () => {
      for (const stop of stops) stop();
      this.#deletions.clear();
      this.#sources.clear();
      this.#targets.clear();
      this.#copies.clear();
    };
  }

  /** What was at that place may be gone: whoever wants it is told so, and copied again. */
  readonly #answered = (copy: MirroredCopy): void => {
    const { key } = copy.place;
    for (const other of this.#copies.at(key)) {
      const message = `${other.known.copy}: it was deleted as ${copy.known.copy}`;
      if (other !== copy) other.send({ type: 'copy.lost', message });
      other.tellUse();
    }
    this.#plans.touch(this.#claims.claimants(key));
  };

  readonly #startAnew = (resource: string): void => {
    this.#sets.remove(resource);
    this.#sets.add(resource);
    this.#changed.tell(resource);
  };
}
