import { createHash } from 'node:crypto';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { writeMonitoredImage } from '#core/monitoring/monitored-image.ts';
import {
  boundOverflow,
  dealShards,
  encodeShard,
  type OverflowEntry,
  overflowEntry,
  type Shards,
} from '#core/monitoring/overflow.ts';
import { type StatusList, statusText } from '#core/monitoring/status-list.ts';
import type { TrackedImage } from '#core/monitoring/tracked-image.ts';
import { type Result, succeed } from '#core/result.ts';
import type { ApiFailure } from '#kube/failures.ts';
import { forEachInTurns } from '#telemetry/in-turns.ts';
import type { AvailabilityStore, StatusOwner, StoredStatus } from './availability-store.ts';

/**
 * What the API server holds of one resource, as far as this process read or wrote it: what is written
 * is what differs from that.
 */
export class WrittenStatus {
  readonly #store: AvailabilityStore;
  readonly #owner: StatusOwner;
  /** Prefix of a shard → hash of its text. */
  readonly #shards: Map<string, string>;
  /** `statusText` of the status. */
  #text: string;
  /** The images that the status lists. */
  #listed: ReadonlySet<string>;

  /** Reads what is written of a resource; undefined when there is none, or it is being deleted. */
  static async load(
    store: AvailabilityStore,
    resource: string,
    signal: AbortSignal,
  ): Promise<Result<WrittenStatus | undefined, ApiFailure>> {
    const stored = await store.read(resource, signal);
    if (!stored.ok) return stored;
    const found = stored.value;
    const isThere = found !== undefined && !found.isBeingDeleted;
    return succeed(isThere ? new WrittenStatus(store, found) : undefined);
  }

  constructor(store: AvailabilityStore, { owner, status = {}, shards }: StoredStatus) {
    this.#store = store;
    this.#owner = owner;
    this.#shards = new Map(shards.map(({ prefix, text }) => [prefix, hashOf(text)]));
    this.#text = statusText(status);
    this.#listed = new Set((status.images ?? []).map(({ image }) => image));
  }

  /**
   * Writes what differs, in an order that loses nothing wherever it is aborted: shards first, which
   * still hold what moves from them to the status; then the status; then shards nobody needs go.
   */
  async write(list: StatusList, signal: AbortSignal): Promise<Result<WriteOutcome, ApiFailure>> {
    const isMoving = ({ image }: TrackedImage) => !this.#listed.has(image);
    const moved = this.#shards.size === 0 ? [] : list.listed.filter(isMoving);
    const entries = boundOverflow(await entriesOf([...list.beyond, ...moved]));
    const shards = dealShards(entries, this.#shards.keys());
    const written = await this.#writeShards(shards, signal);
    if (!written.ok) return written;
    const told = await this.#writeStatus(list, signal);
    if (!told.ok) return told;
    const removed = await this.#removeShards(shards, signal);
    if (!removed.ok) return removed;
    return succeed({
      listed: list.listed.length,
      left: list.beyond.length + moved.length - entries.length,
      unfinished: moved.length > 0,
    });
  }

  async #writeShards(shards: Shards, signal: AbortSignal): Promise<Result<void, ApiFailure>> {
    for (const [prefix, entries] of shards) {
      await nextTurn();
      const text = encodeShard(entries);
      const hash = hashOf(text);
      if (this.#shards.get(prefix) === hash) continue;
      const answer = await this.#store.writeShard(this.#owner, { prefix, text }, signal);
      if (!answer.ok) return answer;
      this.#shards.set(prefix, hash);
    }
    return succeed(undefined);
  }

  async #writeStatus(
    { status }: StatusList,
    signal: AbortSignal,
  ): Promise<Result<void, ApiFailure>> {
    const text = statusText(status);
    if (text === this.#text) return succeed(undefined);
    const answer = await this.#store.writeStatus(this.#owner, status, signal);
    if (!answer.ok) return answer;
    this.#text = text;
    this.#listed = new Set(status.images.map(({ image }) => image));
    return succeed(undefined);
  }

  async #removeShards(needed: Shards, signal: AbortSignal): Promise<Result<void, ApiFailure>> {
    for (const prefix of [...this.#shards.keys()]) {
      if (needed.has(prefix)) continue;
      const answer = await this.#store.removeShard(this.#owner, prefix, signal);
      if (!answer.ok) return answer;
      this.#shards.delete(prefix);
    }
    return succeed(undefined);
  }
}

/** What a write came to. */
export interface WriteOutcome {
  /** Images that the status lists. */
  readonly listed: number;
  /** Images that nothing has room for. */
  readonly left: number;
  /** Whether shards still hold what has just moved to the status: to be written without it soon. */
  readonly unfinished: boolean;
}

async function entriesOf(images: readonly TrackedImage[]): Promise<readonly OverflowEntry[]> {
  const entries: OverflowEntry[] = [];
  await forEachInTurns(images, (image) =>
    entries.push(overflowEntry(image.image, writeMonitoredImage(image))),
  );
  return entries;
}

/** Told apart, not kept: the texts of 20,000 images are five megabytes. */
function hashOf(text: string): string {
  return createHash('sha256').update(text).digest('base64');
}
