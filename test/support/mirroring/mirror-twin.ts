import type { KuikResource } from '#api/kinds.ts';
import type { ImageReference } from '#core/image/reference.ts';
import { ClaimIndex } from '#core/mirroring/claimants.ts';
import { type CopyPlace, rememberPlaces } from '#core/mirroring/copy-places.ts';
import { createEquivalence } from '#core/mirroring/copy-sources.ts';
import { type MirrorStep, planMirror } from '#core/mirroring/mirror-plan.ts';
import type { MirrorCopy, MirroredImage } from '#core/mirroring/mirrored-image.ts';
import { createOriginalJudge } from '#core/mirroring/original-judge.ts';
import type { KeptPlatforms } from '#core/mirroring/outdated-copy.ts';
import { RunningImages } from '#core/mirroring/running-images.ts';
import { createWantsReader } from '#core/mirroring/wanted-images.ts';
import { UseIndex, type UsingPod } from '#core/monitoring/use.ts';
import type { CompiledMirror } from '#core/routing/compiled.ts';
import { compileTable, type RoutingTable } from '#core/routing/table.ts';

/** A Pod as the twin is told of it. */
export interface TwinPod extends UsingPod {
  readonly phase: string;
}

/** A Pod of one container in `apps`; `original` is what its annotation says. */
export function twinPod(
  image: string,
  given: Partial<TwinPod> & { original?: string } = {},
): TwinPod {
  const { original, ...rest } = given;
  const annotations: Record<string, string> =
    original === undefined
      ? {}
      : { 'kuik.enix.io/original-images': JSON.stringify({ app: original }) };
  return {
    ...{ namespace: 'apps', labels: {}, annotations, images: { app: image } },
    ...{ pullSecrets: [], phase: 'Running', ...rest },
  };
}

interface TwinResource {
  readonly compiled: CompiledMirror;
  readonly entries: Map<string, MirroredImage>;
  readonly places: (image: string) => readonly CopyPlace[];
  readonly uses: UseIndex<TwinPod>;
}

/**
 * What a leader knows of all mirror resources, kept up as the actors keep it up, without a cluster:
 * Pods and resources in, plans applied at once, copies made when a test says so.
 */
export class MirrorTwin {
  readonly running = new RunningImages();
  readonly claims = new ClaimIndex();
  readonly steps: MirrorStep[] = [];
  /** Copies of which a DELETE is on its way. */
  readonly beingDeleted = new Set<string>();
  /** How often a place was judged: what planning costs. */
  judgements = 0;
  /** What copies are to hold. */
  platforms: KeptPlatforms | undefined;
  nowMs = 1_000_000;
  nextWakeMs: number | undefined;
  readonly #resources = new Map<string, TwinResource>();
  readonly #pods = new Map<string, TwinPod>();
  #table: RoutingTable = compileTable([]);
  #read = createWantsReader(createOriginalJudge(this.#table, this.claims.isRecorded));

  /** The resources as they are from now on. */
  setResources(resources: readonly KuikResource[]): void {
    this.#table = compileTable(resources, this.#table);
    this.#read = createWantsReader(createOriginalJudge(this.#table, this.claims.isRecorded));
    const mirrors = [...this.#table.entries.values()].flatMap(({ outcome }) =>
      outcome.ok && outcome.value.type === 'mirror' ? outcome.value : [],
    );
    for (const compiled of mirrors) this.#addMirror(compiled);
    const present = new Set(mirrors.map(({ origin }) => origin));
    for (const origin of this.#resources.keys()) {
      if (present.has(origin)) continue;
      this.claims.removeResource(origin);
      this.#resources.delete(origin);
    }
    for (const [key, pod] of this.#pods) this.#see(key, pod);
    this.planAll();
  }

  /** The Pods as a list of all of them says, planned once. */
  setPods(pods: ReadonlyMap<string, TwinPod>): void {
    for (const key of this.#pods.keys()) if (!pods.has(key)) this.#see(key, undefined);
    this.#pods.clear();
    for (const [key, pod] of pods) {
      this.#pods.set(key, pod);
      this.#see(key, pod);
    }
    this.plan();
  }

  /** A Pod as it is now; `undefined` once it is gone. */
  setPod(key: string, pod: TwinPod | undefined): void {
    if (pod === undefined) this.#pods.delete(key);
    else this.#pods.set(key, pod);
    this.#see(key, pod);
    this.plan();
  }

  /** Plans what changed, until nothing is left to be done. */
  plan(): void {
    const released = this.running.takeReleased();
    const touched = Map.groupBy(this.claims.touchedBy(released), ({ resource }) => resource);
    for (const [origin, { uses }] of this.#resources) {
      const images = new Set(uses.takeChanged());
      for (const { image } of touched.get(origin) ?? []) images.add(image);
      this.#planImages(origin, [...images], released);
    }
  }

  /** Plans all images of all resources, as when time has passed. */
  planAll(): void {
    this.nextWakeMs = undefined;
    this.plan();
    for (const [origin, { uses, entries }] of this.#resources) {
      this.#planImages(origin, [...new Set([...entries.keys(), ...uses.images()])]);
    }
  }

  /** What statuses said before this process led. */
  restore(resource: string, entries: Iterable<MirroredImage>): void {
    for (const entry of entries) this.#write(resource, entry);
  }

  entry(resource: string, image: string): MirroredImage | undefined {
    return this.#resources.get(resource)?.entries.get(image);
  }

  origins(): readonly string[] {
    return [...this.#resources.keys()];
  }

  images(resource: string): readonly MirroredImage[] {
    return [...(this.#resources.get(resource)?.entries.values() ?? [])];
  }

  copy(resource: string, image: string, copy: string): MirrorCopy | undefined {
    return this.entry(resource, image)?.copies.find((one) => one.copy === copy);
  }

  /** Writes what became of a copy; without a change it is gone from the entry. */
  record(resource: string, image: string, copy: string, change?: Partial<MirrorCopy>): void {
    const entry = this.entry(resource, image);
    if (entry === undefined) return;
    const copies = entry.copies.flatMap((one) => {
      if (one.copy !== copy) return one;
      return change === undefined ? [] : { ...one, ...change };
    });
    this.#write(resource, { ...entry, copies });
  }

  judge(key: string) {
    this.judgements += 1;
    return this.claims.judge(key, this.#equivalence());
  }

  places(resource: string, image: string): readonly CopyPlace[] {
    return this.#resources.get(resource)?.places(image) ?? [];
  }

  #addMirror(compiled: CompiledMirror): void {
    const { origin } = compiled;
    const entries = this.#resources.get(origin)?.entries ?? new Map<string, MirroredImage>();
    const uses = new UseIndex<TwinPod>({
      matchesPod: (pod) => compiled.matchesPod(pod) && !isFinished(pod),
      matchesImage: (reference: ImageReference) => compiled.match({ reference, text: '' }) !== null,
      readImages: (pod) => this.#read(pod).wanted,
    });
    const places = rememberPlaces(compiled.entries);
    this.#resources.set(origin, { compiled, entries, places, uses });
    this.claims.addResource({
      ...{ resource: origin, phase: 'planned' },
      entry: (image) => entries.get(image),
      use: (image) => this.#resources.get(origin)?.uses.get(image),
      places: (image) => this.places(origin, image),
    });
  }

  #see(key: string, pod: TwinPod | undefined): void {
    const isRunning = pod !== undefined && !isFinished(pod);
    this.running.put(key, isRunning ? this.#read(pod) : undefined);
    for (const { uses } of this.#resources.values()) {
      if (pod === undefined) uses.remove(key);
      else uses.put(key, pod);
    }
  }

  #planImages(
    origin: string,
    images: readonly string[],
    released?: ReturnType<RunningImages['takeReleased']>,
  ): void {
    const resource = this.#resources.get(origin);
    if (resource === undefined || images.length === 0) return;
    const affected = images.flatMap((image) => this.claims.update(origin, image));
    const plan = planMirror({
      ...{ resource: origin, images, nowMs: this.nowMs, running: this.running },
      platforms: this.platforms,
      entry: (image) => resource.entries.get(image),
      use: resource.uses.get,
      places: (image) => this.places(origin, image),
      judge: (key) => this.judge(key),
      isBeingDeleted: (copy) => this.beingDeleted.has(copy),
      expiredCount: () => this.#expired(origin),
      ...(released !== undefined && { released }),
    });
    const wakeMs = Math.min(
      this.nextWakeMs ?? Number.POSITIVE_INFINITY,
      plan.nextWakeMs ?? Number.POSITIVE_INFINITY,
    );
    this.nextWakeMs = Number.isFinite(wakeMs) ? wakeMs : undefined;
    for (const step of plan.steps) this.#apply(origin, step);
    for (const image of images) this.claims.update(origin, image);
    if (plan.steps.length === 0) return;
    for (const { resource: other, image } of affected) this.#planImages(other, [image]);
  }

  #apply(origin: string, step: MirrorStep): void {
    this.steps.push(step);
    const { image } = step;
    const entry = this.entry(origin, image) ?? { resource: origin, image, copies: [] };
    const { unusedSinceMs: _, ...used } = entry;
    if (step.kind === 'use') this.#write(origin, used);
    else if (step.kind === 'unuse') this.#write(origin, { ...entry, unusedSinceMs: step.sinceMs });
    else if (step.kind === 'copy') this.#put(entry, { copy: step.place.copy, state: 'Scheduled' });
    else if (step.kind === 'forget') this.#resources.get(origin)?.entries.delete(image);
    else if (step.kind === 'collide') {
      this.#put(entry, { copy: step.copy, state: 'Collision', lastError: step.message });
    } else this.record(origin, image, step.copy, changes[step.kind]);
  }

  #put(entry: MirroredImage, copy: MirrorCopy): void {
    const others = entry.copies.filter((one) => one.copy !== copy.copy);
    this.#write(entry.resource, { ...entry, copies: [...others, copy] });
  }

  #write(origin: string, entry: MirroredImage): void {
    this.#resources.get(origin)?.entries.set(entry.image, entry);
    this.claims.update(origin, entry.image);
  }

  #expired(origin: string): number {
    const copies = this.images(origin).flatMap((entry) => entry.copies);
    return copies.filter(({ state }) => state === 'Expired').length;
  }

  #equivalence() {
    return createEquivalence({
      table: this.#table,
      mirrorOf: (resource) => this.#resources.get(resource)?.compiled,
      podOf: (resource, image) => this.#resources.get(resource)?.uses.get(image)?.pod,
    });
  }
}

const changes = {
  expire: { state: 'Expired' },
  revive: { state: 'Available' },
  renew: {},
  drop: undefined,
} as const;

function isFinished({ phase }: TwinPod): boolean {
  return phase === 'Succeeded' || phase === 'Failed';
}
