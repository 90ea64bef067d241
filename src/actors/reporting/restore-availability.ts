import { setImmediate as nextTurn } from 'node:timers/promises';
import { pause } from '#actors/deadline.ts';
import type { TimerHeap } from '#actors/timer-heap.ts';
import { fullJitterMs } from '#core/backoff.ts';
import { createImageMerger, readMonitoredImage } from '#core/monitoring/monitored-image.ts';
import type { TrackedImage } from '#core/monitoring/tracked-image.ts';
import { fail, type Result, succeed } from '#core/result.ts';
import type { KubeClient } from '#kube/client.ts';
import { type ApiFailure, hasCode } from '#kube/failures.ts';
import { forEachInTurns } from '#telemetry/in-turns.ts';
import type { Log } from '#telemetry/log.ts';
import { availabilityOwner, isBeyond, readAvailability } from './availability-object.ts';
import { type OverflowShards, shardValues } from './overflow-shards.ts';

/** What is read with. */
export interface RestoreOptions {
  readonly client: Pick<KubeClient, 'call'>;
  readonly overflow: OverflowShards;
  readonly clock: TimerHeap;
  /** From 0 to 1. */
  readonly random: () => number;
  readonly log: Log;
}

const callTimeoutMs = 30_000;
const backoff = { baseMs: 500, capMs: 30_000 };

/**
 * Makes the one way back: what a resource's status and its overflow say that was tracked, kuik v2's
 * statuses included. It waits the API server out, since to answer that nothing was known would have
 * all checked again; once `signal` aborts, nobody wants the answer, and it is empty.
 */
export function availabilityRestorer(
  options: RestoreOptions,
): (resource: string, signal: AbortSignal) => Promise<readonly TrackedImage[]> {
  return async (resource, signal) => {
    for (let attempt = 0; !signal.aborted; attempt += 1) {
      const bounded = AbortSignal.any([signal, AbortSignal.timeout(callTimeoutMs)]);
      const read = await readTracked(options, resource, bounded);
      if (read.ok) return read.value;
      if (signal.aborted) break;
      options.log.warn({ resource, failure: read.error }, 'what was monitored cannot be read yet');
      await pause(options.clock, fullJitterMs(attempt, backoff, options.random()), signal);
    }
    return [];
  };
}

async function readTracked(
  { client, overflow, log }: RestoreOptions,
  resource: string,
  signal: AbortSignal,
): Promise<Result<readonly TrackedImage[], ApiFailure>> {
  const found = await readAvailability(client, resource, signal);
  if (!found.ok) return fail(found.error);
  const uid = found.value?.metadata.uid;
  if (uid === undefined) return succeed([]);
  const shards = await overflow.read(availabilityOwner(resource, uid), signal);
  if (!shards.ok) {
    // Who may not read them never wrote one, unless the status says that there is more.
    if (!hasCode(shards.error, 403) || isBeyond(found.value?.status)) return fail(shards.error);
    log.warn({ resource, failure: shards.error }, 'the overflow may not be read');
  }
  // A round that was broken off leaves an image in both; the status was written last.
  const merger = createImageMerger();
  const status = found.value?.status?.images ?? [];
  await forEachInTurns(readPlace(resource, status), merger.add);
  for (const shard of shards.ok ? shards.value : []) {
    await nextTurn();
    await forEachInTurns(readPlace(resource, shardValues(shard)), merger.add);
  }
  return succeed(merger.all());
}

function* readPlace(resource: string, place: readonly unknown[]): Generator<TrackedImage> {
  for (const entry of place) {
    const image = readMonitoredImage(resource, entry);
    if (image !== undefined) yield image;
  }
}
