import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Runtime } from '#actors/runtime.ts';
import type { ClusterImageSetAvailabilityStatus } from '#api/image-set-availability.ts';
import { createImageMerger, readMonitoredImage } from '#core/monitoring/monitored-image.ts';
import { decodeShard } from '#core/monitoring/overflow.ts';
import type { TrackedImage } from '#core/monitoring/tracked-image.ts';
import { type Result, succeed } from '#core/result.ts';
import type { KubeClient } from '#kube/client.ts';
import type { ApiFailure } from '#kube/failures.ts';
import { forEachInTurns } from '#telemetry/in-turns.ts';
import type { Log } from '#telemetry/log.ts';
import { StatusStore, type StoredStatus } from './status-store.ts';

/** What is written of monitored images, kuik v2's statuses included. */
export class AvailabilityStore extends StatusStore<ClusterImageSetAvailabilityStatus> {
  readonly #log: Log;

  /** `namespace` is the operator's own. */
  constructor(
    { log }: Pick<Runtime, 'log'>,
    {
      client,
      namespace,
    }: { readonly client: Pick<KubeClient, 'call'>; readonly namespace: string },
  ) {
    super({
      ...{ client, log, namespace, fieldManager: 'kuik-availability' },
      kind: 'ClusterImageSetAvailability',
      isBeyond: ({ imageCount = 0, images = [] }) => imageCount > images.length,
    });
    this.#log = log;
  }

  /**
   * What a resource's status and its overflow say that was tracked; one try. A failure is no answer:
   * whoever took it for one would have all checked again.
   */
  readonly restore = async (
    resource: string,
    signal: AbortSignal,
  ): Promise<Result<readonly TrackedImage[], ApiFailure>> => {
    const bounded = AbortSignal.any([signal, AbortSignal.timeout(readTimeoutMs)]);
    const stored = await this.read(resource, bounded);
    if (stored.ok) return succeed(await readImages(resource, stored.value));
    const failure = stored.error;
    const message = 'what was monitored cannot be read yet';
    if (!signal.aborted) this.#log.warn({ resource, failure }, message);
    return stored;
  };
}

const readTimeoutMs = 30_000;

async function readImages(
  resource: string,
  stored: StoredStatus<ClusterImageSetAvailabilityStatus> | undefined,
): Promise<readonly TrackedImage[]> {
  // A round that was aborted leaves an image in both places; the status was written last.
  const merger = createImageMerger();
  const read = (entries: readonly unknown[]) =>
    forEachInTurns(entries, (entry) => {
      const image = readMonitoredImage(resource, entry);
      if (image !== undefined) merger.add(image);
    });
  await read(stored?.status?.images ?? []);
  for (const { text } of stored?.shards ?? []) {
    await nextTurn();
    await read(decodeShard(text));
  }
  return merger.all();
}
