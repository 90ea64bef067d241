import { nextDeletionStep } from '#core/mirroring/copy-deletion.ts';
import { placeKeyOf } from '#core/mirroring/copy-places.ts';
import type { MirroredImage } from '#core/mirroring/mirrored-image.ts';
import { type CleanupWorld, leaseMs, renewDeadlineMs, requestMsMax } from './cleanup-world.ts';
import { MirrorTwin } from './mirror-twin.ts';

/** A deletion on its way. */
interface Deletion {
  readonly resource: string;
  readonly image: string;
  readonly copy: string;
  writtenMs?: number;
  podsListedMs?: number;
  seen?: { readonly digest?: string; readonly atMs: number };
  wasTried: boolean;
  /** When its DELETE is answered, while one is on its way. */
  answeredMs?: number;
}

/**
 * One process that leads when it can. Between any two of its steps it may be paused, for as long as it
 * takes another to lead instead; it goes on where it was, believing what it believed.
 */
export class CleanupLeader {
  isPaused = false;
  /** Its watch of Pods brings nothing, without a word; lists are answered. */
  isDeaf = false;
  readonly #world: CleanupWorld;
  readonly #id: number;
  /** What it knows; absent while it does not lead. */
  #twin: MirrorTwin | undefined;
  #renewedMs = Number.NEGATIVE_INFINITY;
  #deletions = new Map<string, Deletion>();

  constructor(world: CleanupWorld, id: number) {
    this.#world = world;
    this.#id = id;
  }

  tick(chance: () => boolean): void {
    if (this.isPaused) return;
    // After a pause what was begun goes on first: nobody tells a process that it stood still.
    if (this.#twin !== undefined && chance()) this.#advance(this.#twin, chance);
    this.#elect();
    const twin = this.#twin;
    if (twin === undefined) return;
    twin.nowMs = this.#world.nowMs;
    if (!this.isDeaf && chance()) twin.setPods(this.#world.pods);
    twin.planAll();
    this.#forget(twin);
    if (chance()) this.#writeStatuses(twin);
    this.#copy(twin);
  }

  /** What was turned back begins anew when it expires again. */
  #forget(twin: MirrorTwin): void {
    for (const [key, { resource, image, copy }] of this.#deletions) {
      const isExpired = twin.copy(resource, image, copy)?.state === 'Expired';
      if (!isExpired) this.#deletions.delete(key);
    }
  }

  crash(): void {
    this.#twin = undefined;
    this.#deletions.clear();
    this.#renewedMs = Number.NEGATIVE_INFINITY;
  }

  seeResources(): void {
    this.#twin?.setResources(this.#world.resources);
  }

  get #holdsLease(): boolean {
    return this.#world.nowMs < this.#renewedMs + renewDeadlineMs;
  }

  #elect(): void {
    const { lease, nowMs } = this.#world;
    const isFree = nowMs >= lease.renewedMs + leaseMs;
    // Whoever finds that another led meanwhile begins anew, though the Lease be free by now.
    if (lease.holder !== this.#id && this.#twin !== undefined) this.crash();
    if (lease.holder !== this.#id && !isFree) return;
    lease.holder = this.#id;
    lease.renewedMs = nowMs;
    this.#renewedMs = nowMs;
    if (this.#twin === undefined) this.#begin();
  }

  #begin(): void {
    const { resources, statuses, pods, nowMs } = this.#world;
    const twin = new MirrorTwin();
    twin.nowMs = nowMs;
    // Nothing is planned before all is restored and all Pods are counted.
    twin.setResources(resources);
    for (const [resource, entries] of statuses) twin.restore(resource, entries);
    twin.setPods(pods);
    twin.planAll();
    this.#twin = twin;
  }

  #writeStatuses(twin: MirrorTwin): void {
    if (!this.#holdsLease) return;
    for (const resource of twin.origins()) this.#world.write(resource, twin.images(resource));
  }

  /** What is wanted, and stands in the status, is copied at once. */
  #copy(twin: MirrorTwin): void {
    if (!this.#holdsLease) return;
    const { nowMs, registry, statuses } = this.#world;
    for (const { resource, image, copy } of copiesIn([...statuses.values()].flat())) {
      if (twin.copy(resource, image, copy)?.state !== 'Scheduled') continue;
      const digest = `digest of ${image}`;
      registry.set(placeKeyOf(copy), digest);
      twin.record(resource, image, copy, { state: 'Available', mirroredAtMs: nowMs, digest });
    }
  }

  #advance(twin: MirrorTwin, chance: () => boolean): void {
    const images = twin.origins().flatMap((resource) => twin.images(resource));
    for (const { resource, image, copy, state } of copiesIn(images)) {
      const key = `${resource} ${image} ${copy}`;
      if (state !== 'Expired' || this.#deletions.has(key)) continue;
      this.#deletions.set(key, { resource, image, copy, wasTried: false });
    }
    for (const [key, deletion] of this.#deletions) {
      if (this.#takeSteps(twin, deletion, chance)) this.#deletions.delete(key);
    }
  }

  #delete(twin: MirrorTwin, deletion: Deletion, chance: () => boolean): void {
    const { resource, image, copy } = deletion;
    const { digest = 'none' } = twin.copy(resource, image, copy) ?? {};
    const delayMs = chance() ? requestMsMax : 0;
    deletion.wasTried = true;
    deletion.answeredMs = this.#world.nowMs + delayMs;
    twin.beingDeleted.add(copy);
    // Now and then it is refused, or lost on its way.
    if (chance()) this.#world.send(placeKeyOf(copy), digest, delayMs);
  }

  /** All steps at once, where every answer comes at once. */
  #takeSteps(twin: MirrorTwin, deletion: Deletion, chance: () => boolean): boolean {
    for (let step = 0; step < stepsMax && chance(); step += 1) {
      if (this.#step(twin, deletion, chance)) return true;
    }
    return false;
  }

  /** Answers whether that was the end of it. */
  #step(twin: MirrorTwin, deletion: Deletion, chance: () => boolean): boolean {
    const { resource, image, copy, answeredMs = 0 } = deletion;
    const { nowMs, registry } = this.#world;
    if (nowMs < answeredMs) return false;
    if (twin.beingDeleted.delete(copy) && !registry.has(placeKeyOf(copy))) {
      twin.record(resource, image, copy);
    }
    twin.planAll();
    const recorded = twin.copy(resource, image, copy);
    const place = placeKeyOf(copy);
    const isDue = recorded?.state === 'Expired';
    const { digest: expectedDigest = 'none' } = recorded ?? {};
    const facts = { isDue, holdsLease: this.#holdsLease, expectedDigest, nowMs };
    switch (nextDeletionStep({ ...deletion, ...facts }).kind) {
      case 'write':
        this.#writeStatuses(twin);
        deletion.writtenMs = nowMs;
        return false;
      case 'list-pods':
        twin.setPods(this.#world.pods);
        deletion.podsListedMs = nowMs;
        return false;
      case 'look': {
        const digest = registry.get(place);
        deletion.seen = { atMs: nowMs, ...(digest !== undefined && { digest }) };
        return false;
      }
      case 'delete':
        this.#delete(twin, deletion, chance);
        return false;
      case 'gone':
      case 'foreign':
        twin.record(resource, image, copy);
        twin.planAll();
        return true;
      case 'revive':
        return true;
      default:
        return false;
    }
  }
}

/** From `Expired` to the DELETE. */
const stepsMax = 4;

function copiesIn(images: readonly MirroredImage[]) {
  return images.flatMap(({ resource, image, copies }) =>
    copies.map(({ copy, state }) => ({ resource, image, copy, state })),
  );
}
