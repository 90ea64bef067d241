import type { KuikResource } from '#api/kinds.ts';
import { placeKeyOf } from '#core/mirroring/copy-places.ts';
import type { MirroredImage } from '#core/mirroring/mirrored-image.ts';
import { CleanupLeader } from './cleanup-leader.ts';
import type { CleanupWorld, Statuses } from './cleanup-world.ts';
import { type TwinPod, twinPod } from './mirror-twin.ts';

const tickMs = 1_000;

/** A review that was answered, and whose Pod is not stored yet. */
interface Admission {
  readonly pod: TwinPod;
  readonly atMs: number;
}

/**
 * A cluster with mirrors: the API server, a registry, replicas whose webhooks know statuses late, and
 * leaders that may be paused anywhere and are replaced meanwhile. Everything that is decided is
 * decided by the code that is tested; here is only what the world does with it.
 */
export class CleanupModel implements CleanupWorld {
  nowMs = 1_000_000;
  /** The truth of the API server. */
  readonly pods = new Map<string, TwinPod>();
  statuses: Statuses = new Map();
  /** Place → digest. */
  readonly registry = new Map<string, string>();
  readonly lease = { holder: -1, renewedMs: Number.NEGATIVE_INFINITY };
  /** What must never have happened, in words. */
  readonly wrongs: string[] = [];
  deletions = 0;
  rewrites = 0;
  resources: readonly KuikResource[];
  /** Resource and image → when a status last said that it is in use. */
  readonly #usedMs = new Map<string, number>();
  readonly #history: { readonly atMs: number; readonly statuses: Statuses }[] = [];
  readonly #leaders = [0, 1].map((id) => new CleanupLeader(this, id));
  #admissions: Admission[] = [];
  #deletes: { readonly key: string; readonly digest: string; readonly atMs: number }[] = [];
  #lastPod = 0;
  readonly #retentionMs: (resource: string) => number;

  constructor(resources: readonly KuikResource[], retentionMs: (resource: string) => number) {
    this.resources = resources;
    this.#retentionMs = retentionMs;
  }

  /** A second goes by; `chance` says of each process whether it gets to do anything. */
  tick(chance: () => boolean): void {
    this.nowMs += tickMs;
    this.#history.push({ atMs: this.nowMs, statuses: this.statuses });
    if (this.#history.length > 60) this.#history.shift();
    this.#land();
    for (const leader of this.#leaders) leader.tick(chance);
  }

  /** Whoever leads stands still, until all go on. */
  pause(): void {
    const leader = this.#leaders[this.lease.holder];
    if (leader !== undefined) leader.isPaused = true;
  }

  resume(): void {
    for (const leader of this.#leaders) leader.isPaused = false;
  }

  deafen(leader: number, isDeaf: boolean): void {
    const deaf = this.#leaders[leader];
    if (deaf !== undefined) deaf.isDeaf = isDeaf;
  }

  crash(leader: number): void {
    this.#leaders[leader]?.crash();
  }

  setResources(resources: readonly KuikResource[]): void {
    this.resources = resources;
    for (const leader of this.#leaders) leader.seeResources();
  }

  /** A review at a replica that knows what statuses said `lagMs` ago, whose Pod is stored late. */
  admit(image: string, places: readonly string[], late: { lagMs: number; storeMs: number }): void {
    const seen = this.#history.findLast(({ atMs }) => atMs <= this.nowMs - late.lagMs);
    const known = seen?.statuses ?? new Map();
    const offered = places.find((key) => this.registry.has(key) && isOffered(known, key, image));
    if (offered !== undefined) this.rewrites += 1;
    const pod = offered === undefined ? twinPod(image) : twinPod(offered, { original: image });
    this.#admissions.push({ pod, atMs: this.nowMs + late.storeMs });
  }

  /** One of the Pods finishes, or is deleted. */
  end(index: number, isFinished: boolean): void {
    const [key = '', pod] = [...this.pods][index % Math.max(1, this.pods.size)] ?? [];
    if (pod === undefined) return;
    if (isFinished) this.pods.set(key, { ...pod, phase: 'Succeeded' });
    else this.pods.delete(key);
  }

  write(resource: string, entries: readonly MirroredImage[]): void {
    this.statuses = new Map(this.statuses).set(resource, entries);
    for (const { image, unusedSinceMs } of entries) {
      if (unusedSinceMs === undefined) this.#usedMs.set(`${resource} ${image}`, this.nowMs);
    }
  }

  send(key: string, digest: string, delayMs: number): void {
    this.#deletes.push({ key, digest, atMs: this.nowMs + delayMs });
    this.wrongs.push(...this.#keptBy(key).map((one) => `${key}: within the retention of ${one}`));
  }

  #land(): void {
    const { nowMs } = this;
    for (const { pod, atMs } of this.#admissions) {
      if (atMs > nowMs) continue;
      this.#lastPod += 1;
      this.pods.set(`apps/${this.#lastPod}`, pod);
    }
    this.#admissions = this.#admissions.filter(({ atMs }) => atMs > nowMs);
    for (const { key, digest, atMs } of this.#deletes) {
      if (atMs <= nowMs && this.registry.get(key) === digest) this.#delete(key);
    }
    this.#deletes = this.#deletes.filter(({ atMs }) => atMs > nowMs);
  }

  #delete(key: string): void {
    this.deletions += 1;
    this.registry.delete(key);
    const runs = (pod: TwinPod) =>
      pod.phase !== 'Succeeded' && Object.values(pod.images).some((one) => placeKeyOf(one) === key);
    if ([...this.pods.values()].some(runs)) this.wrongs.push(`${key}: a Pod runs from it`);
    if (this.#admissions.some(({ pod }) => runs(pod))) this.wrongs.push(`${key}: a Pod is coming`);
  }

  /** The resources whose statuses say that they have the copy, and whose retention is not over. */
  #keptBy(key: string): readonly string[] {
    const held = [...this.statuses.values()]
      .flat()
      .filter(({ copies }) =>
        copies.some(({ copy, state }) => state !== 'Collision' && placeKeyOf(copy) === key),
      );
    return held.flatMap(({ resource, image }) => {
      const usedMs = this.#usedMs.get(`${resource} ${image}`) ?? 0;
      return this.nowMs < usedMs + this.#retentionMs(resource) ? resource : [];
    });
  }
}

/** Neither about to be deleted nor the copy of another image, as far as statuses say. */
function isOffered(statuses: Statuses, key: string, image: string): boolean {
  const claims = [...statuses.values()].flat().flatMap(({ image: original, copies }) => {
    const recorded = copies.find(({ copy }) => placeKeyOf(copy) === key);
    return recorded === undefined ? [] : { original, state: recorded.state };
  });
  const isOthers = claims.some(
    ({ original, state }) => state !== 'Collision' && placeKeyOf(original) !== placeKeyOf(image),
  );
  return !isOthers && claims.every(({ state }) => state !== 'Expired');
}
