import { createHash } from 'node:crypto';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { writeMonitoredImage } from '#core/monitoring/monitored-image.ts';
import {
  boundOverflow,
  dealShards,
  encodeShard,
  type OverflowEntry,
  overflowEntry,
} from '#core/monitoring/overflow.ts';
import { createStatusLister, type StatusList, statusText } from '#core/monitoring/status-list.ts';
import type { TrackedImage } from '#core/monitoring/tracked-image.ts';
import { fail, type Result, succeed } from '#core/result.ts';
import type { KubeClient } from '#kube/client.ts';
import { type ApiFailure, hasCode } from '#kube/failures.ts';
import { forEachInTurns } from '#telemetry/in-turns.ts';
import {
  applyAvailabilityStatus,
  availabilityOwner,
  isBeyond,
  readAvailability,
} from './availability-object.ts';
import type { OverflowOwner, OverflowShards } from './overflow-shards.ts';

/** What a round is written with. */
export interface RoundOptions {
  readonly client: Pick<KubeClient, 'call'>;
  readonly overflow: OverflowShards;
}

/** What the API server holds of one resource, as far as this process wrote or read it. */
export interface WrittenAvailability {
  readonly owner: OverflowOwner;
  /** Prefix of a shard → hash of its text. */
  readonly shards: Map<string, string>;
  /** `statusText` of the status. */
  text: string;
  /** The images that the status lists. */
  listed: ReadonlySet<string>;
}

/** What a round came to. */
export interface RoundOutcome {
  /** Images that the status lists. */
  readonly listed: number;
  /** Images that nothing has room for. */
  readonly left: number;
  /** Whether shards still hold what has just moved to the status: to be written without it soon. */
  readonly unfinished: boolean;
}

/**
 * Reads what is written of a resource; undefined when there is none, or it is being deleted. Who
 * may not keep an overflow goes without, as long as the status has room for all.
 */
export async function loadWritten(
  { client, overflow }: RoundOptions,
  resource: string,
  signal: AbortSignal,
): Promise<Result<WrittenAvailability | undefined, ApiFailure>> {
  const found = await readAvailability(client, resource, signal);
  if (!found.ok) return fail(found.error);
  const { metadata, status = {} } = found.value ?? {};
  if (metadata?.uid === undefined || metadata.deletionTimestamp !== undefined) {
    return succeed(undefined);
  }
  const owner = availabilityOwner(resource, metadata.uid);
  const shards = await overflow.read(owner, signal);
  const hasNone = !shards.ok && hasCode(shards.error, 403) && !isBeyond(status);
  if (!shards.ok && !hasNone) return fail(shards.error);
  return succeed({
    owner,
    shards: new Map(
      (shards.ok ? shards.value : []).map(({ prefix, text }) => [prefix, hashOf(text)]),
    ),
    text: statusText(status),
    listed: new Set((status.images ?? []).map(({ image }) => image)),
  });
}

/** Makes the status from all images, a slice in a turn of the event loop. */
export async function listImages(images: Iterable<TrackedImage>): Promise<StatusList> {
  const lister = createStatusLister();
  await forEachInTurns(images, lister.add);
  return lister.finish();
}

/**
 * Writes what differs, in an order that loses nothing wherever it breaks off: shards first, which
 * still hold what moves from them to the status; then the status; then shards nobody needs go.
 */
export async function writeRound(
  options: RoundOptions,
  written: WrittenAvailability,
  { list, signal }: { readonly list: StatusList; readonly signal: AbortSignal },
): Promise<Result<RoundOutcome, ApiFailure>> {
  const isMoving = ({ image }: TrackedImage) => !written.listed.has(image);
  const moved = written.shards.size === 0 ? [] : list.listed.filter(isMoving);
  const entries = boundOverflow(await linesOf([...list.beyond, ...moved]));
  const shards = dealShards(entries, written.shards.keys());
  for (const [prefix, held] of shards) {
    const shard = await writeShard(options, written, { prefix, entries: held, signal });
    if (!shard.ok) return shard;
  }
  const status = await writeStatus(options, written, { list, signal });
  if (!status.ok) return status;
  const gone = await removeShards(options, written, { shards, signal });
  if (!gone.ok) return gone;
  return succeed({
    listed: list.listed.length,
    left: list.beyond.length + moved.length - entries.length,
    unfinished: moved.length > 0,
  });
}

async function linesOf(images: readonly TrackedImage[]): Promise<readonly OverflowEntry[]> {
  const entries: OverflowEntry[] = [];
  await forEachInTurns(images, (image) =>
    entries.push(overflowEntry(image.image, writeMonitoredImage(image))),
  );
  return entries;
}

/** Sends nothing where the shard is as it should be. */
async function writeShard(
  { overflow }: RoundOptions,
  { owner, shards }: WrittenAvailability,
  given: {
    readonly prefix: string;
    readonly entries: readonly OverflowEntry[];
    readonly signal: AbortSignal;
  },
): Promise<Result<void, ApiFailure>> {
  await nextTurn();
  const { prefix, signal } = given;
  const text = encodeShard(given.entries);
  const hash = hashOf(text);
  if (shards.get(prefix) === hash) return succeed(undefined);
  const answer = await overflow.write(owner, { prefix, text }, signal);
  if (!answer.ok) return fail(answer.error);
  shards.set(prefix, hash);
  return succeed(undefined);
}

async function writeStatus(
  { client }: RoundOptions,
  written: WrittenAvailability,
  { list: { status }, signal }: { readonly list: StatusList; readonly signal: AbortSignal },
): Promise<Result<void, ApiFailure>> {
  const text = statusText(status);
  if (text === written.text) return succeed(undefined);
  const answer = await applyAvailabilityStatus(client, { owner: written.owner, status }, signal);
  if (!answer.ok) return fail(answer.error);
  written.text = text;
  written.listed = new Set(status.images.map(({ image }) => image));
  return succeed(undefined);
}

async function removeShards(
  { overflow }: RoundOptions,
  { owner, shards }: WrittenAvailability,
  given: { readonly shards: ReadonlyMap<string, unknown>; readonly signal: AbortSignal },
): Promise<Result<void, ApiFailure>> {
  for (const prefix of [...shards.keys()]) {
    if (given.shards.has(prefix)) continue;
    const answer = await overflow.remove(owner, prefix, given.signal);
    if (!answer.ok) return fail(answer.error);
    shards.delete(prefix);
  }
  return succeed(undefined);
}

/** Told apart, not kept: the texts of 20,000 images are five megabytes. */
function hashOf(text: string): string {
  return createHash('sha256').update(text).digest('base64');
}
