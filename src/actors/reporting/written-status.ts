import { createHash } from 'node:crypto';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { utf8Bytes } from '#core/cut-text.ts';
import { type Result, succeed } from '#core/result.ts';
import {
  boundOverflow,
  dealShards,
  encodeShard,
  type OverflowEntry,
  overflowEntry,
  type Shards,
  shardBytesMax,
} from '#core/status/overflow.ts';
import type { ListedImage } from '#core/status/status-kind.ts';
import { listedEntries, type StatusList, statusText } from '#core/status/status-list.ts';
import type { ApiFailure } from '#kube/failures.ts';
import { forEachInTurns } from '#telemetry/in-turns.ts';
import { journalPrefix, type StatusOwner } from './overflow-objects.ts';
import type { StatusStore, StoredStatus } from './status-store.ts';

/**
 * What the API server holds of one resource, as far as this process read or wrote it: what is written
 * is what differs from that.
 */
export class WrittenStatus<Image extends ListedImage, Status> {
  readonly #store: StatusStore<Image, Status>;
  readonly #owner: StatusOwner;
  /** Prefix of a shard → hash of its text. */
  readonly #shards: Map<string, string>;
  /** `statusText` of the status. */
  #text: string;
  /** The images of which the status says all. */
  #listed: ReadonlySet<string>;
  /** Image → line of what was recorded since all was written; the ConfigMap holds these lines. */
  #journal: ReadonlyMap<string, string> = new Map();
  /** Whether there is such a ConfigMap. */
  #hasJournal: boolean;
  /** Where the entries stand by the last write that came to its end; none before the first. */
  #places: ReadonlyMap<string, 'status' | 'overflow'> = new Map();

  /** Reads what is written of a resource; undefined when there is none that is still written. */
  static async load<Image extends ListedImage, Status>(
    store: StatusStore<Image, Status>,
    resource: string,
    signal: AbortSignal,
  ): Promise<Result<WrittenStatus<Image, Status> | undefined, ApiFailure>> {
    const stored = await store.read(resource, signal);
    if (!stored.ok) return stored;
    const found = stored.value;
    const isThere = found !== undefined && (!found.isBeingDeleted || store.writesUntilGone);
    return succeed(isThere ? new WrittenStatus(store, found) : undefined);
  }

  constructor(
    store: StatusStore<Image, Status>,
    { owner, status = {}, shards }: StoredStatus<Status>,
  ) {
    const { statusKind } = store;
    this.#store = store;
    this.#owner = owner;
    const dealt = shards.filter(({ prefix }) => prefix !== journalPrefix);
    this.#shards = new Map(dealt.map(({ prefix, text }) => [prefix, hashOf(text)]));
    this.#hasJournal = dealt.length < shards.length;
    this.#text = statusText(statusKind, status);
    const whole = listedEntries(statusKind, status).filter(statusKind.isWhole);
    this.#listed = new Set(whole.map(({ image }) => image));
  }

  /** Where the entry of an image stands, whatever it says. */
  placeOf(image: string): EntryPlace {
    return this.#places.get(image) ?? (this.#journal.has(image) ? 'overflow' : 'none');
  }

  /** Whether all of it takes more than one object. */
  get isLarge(): boolean {
    return this.#shards.size > 0;
  }

  /**
   * Writes these images alone, beside all the rest, in a ConfigMap that the next write of all takes
   * away: whoever waits for one of twenty thousand does not wait for them all. False where that has
   * no room left.
   */
  async record(
    images: readonly Image[],
    signal: AbortSignal,
  ): Promise<Result<boolean, ApiFailure>> {
    const { write } = this.#store.statusKind;
    const lines = images.map((image) => [image.image, JSON.stringify(write(image))] as const);
    const journal = new Map([...this.#journal, ...lines]);
    const text = [...journal.values()].join('\n');
    if (utf8Bytes(text) > shardBytesMax) return succeed(false);
    const shard = { prefix: journalPrefix, text };
    const answer = await this.#store.writeShard(this.#owner, shard, signal);
    if (!answer.ok) return answer;
    this.#journal = journal;
    this.#hasJournal = true;
    return succeed(true);
  }

  /**
   * Writes what differs, in an order that loses nothing wherever it is aborted: shards first, which
   * still hold what moves from them to the status; then the status; then shards nobody needs go.
   */
  async write(
    list: StatusList<Image, Status>,
    signal: AbortSignal,
  ): Promise<Result<WriteOutcome, ApiFailure>> {
    const isMoving = ({ image }: Image) => !this.#listed.has(image);
    const moved = this.#shards.size === 0 ? [] : list.listed.filter(isMoving);
    const entries = boundOverflow(await this.#entriesOf([...list.beyond, ...moved]));
    const shards = dealShards(entries, this.#shards.keys());
    const written = await this.#writeShards(shards, signal);
    if (!written.ok) return written;
    const told = await this.#writeStatus(list, signal);
    if (!told.ok) return told;
    const removed = await this.#removeShards(shards, signal);
    if (!removed.ok) return removed;
    const listed = listedEntries(this.#store.statusKind, list.status);
    this.#places = placesOf(listed, entries);
    return succeed({
      listed: listed.length,
      left: list.beyond.length + moved.length - entries.length,
      unfinished: moved.length > 0,
    });
  }

  async #entriesOf(images: readonly Image[]): Promise<readonly OverflowEntry[]> {
    const { write } = this.#store.statusKind;
    const entries: OverflowEntry[] = [];
    await forEachInTurns(images, (image) => entries.push(overflowEntry(image.image, write(image))));
    return entries;
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
    { status, listed }: StatusList<Image, Status>,
    signal: AbortSignal,
  ): Promise<Result<void, ApiFailure>> {
    const text = statusText(this.#store.statusKind, status);
    if (text !== this.#text) {
      const answer = await this.#store.writeStatus(this.#owner, status, signal);
      if (!answer.ok) return answer;
      this.#text = text;
    }
    this.#listed = new Set(listed.map(({ image }) => image));
    return succeed(undefined);
  }

  async #removeShards(needed: Shards, signal: AbortSignal): Promise<Result<void, ApiFailure>> {
    for (const prefix of [...this.#shards.keys()]) {
      if (needed.has(prefix)) continue;
      const answer = await this.#store.removeShard(this.#owner, prefix, signal);
      if (!answer.ok) return answer;
      this.#shards.delete(prefix);
    }
    return await this.#removeJournal(signal);
  }

  /** All that it holds stands elsewhere by now. */
  async #removeJournal(signal: AbortSignal): Promise<Result<void, ApiFailure>> {
    if (!this.#hasJournal) return succeed(undefined);
    const answer = await this.#store.removeShard(this.#owner, journalPrefix, signal);
    if (!answer.ok) return answer;
    this.#journal = new Map();
    this.#hasJournal = false;
    return answer;
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

/**
 * Where the entry of an image stands: what the status has no room for is in ConfigMaps. Only the
 * `status` is what every replica knows: a copy is deleted only where its `Expired` stands there.
 */
export type EntryPlace = 'status' | 'overflow' | 'none';

function placesOf(
  listed: readonly { readonly image: string }[],
  beyond: readonly OverflowEntry[],
): ReadonlyMap<string, 'status' | 'overflow'> {
  const places = new Map<string, 'status' | 'overflow'>();
  for (const { key } of beyond) places.set(key, 'overflow');
  // Of one that is in both the status says what matters most.
  for (const { image } of listed) places.set(image, 'status');
  return places;
}

/** Told apart, not kept: the texts of 20,000 images are five megabytes. */
function hashOf(text: string): string {
  return createHash('sha256').update(text).digest('base64');
}
