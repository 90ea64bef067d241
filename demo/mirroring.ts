import { registryRequest } from '#test/support/registries/registry-request.ts';
import { untilReady } from '#test/support/time/eventually.ts';
import { mirrored } from './cast.ts';
import type { Page } from './page.ts';
import { createPod } from './pods.ts';
import type { Stage } from './stage.ts';

const copiedWithinMs = 30_000;
/** A retention of a second, half a minute for every replica to hear of it, and a busy machine. */
const deletedWithinMs = 90_000;
const kibibyte = 1024;
const mebibyte = 1024 * kibibyte;

/** The part of a status that the story tells. */
interface Entry {
  readonly image: string;
  readonly mirrors?: readonly { readonly state?: string; readonly lastError?: string }[];
}

/** A copy that is being made, as `/status/mirroring` has it. */
interface Running {
  readonly image: string;
  readonly bytesDone: number;
  readonly bytesTotal: number | null;
}

/**
 * Tells how a mirror fills itself with what Pods run, and what a Pod that ran once leaves there;
 * answers how many things did not come out as told.
 */
export async function tellCopies(page: Page, stage: Stage): Promise<number> {
  const { admin } = stage.plane;
  const { once, images, objectPath } = mirrored(stage);
  const done = page.step('The mirror fills itself with what Pods run');
  const { problems } = await createPod(admin, stage.namespace, once);
  const seen = new Map<string, Running>();
  const isCopied = async () => {
    for (const copy of await runningCopies(stage)) seen.set(copy.image, copy);
    const { status } = await admin.get(objectPath);
    const entries: readonly Entry[] = status?.matchingImages ?? [];
    return images.every((image) => stateOf(entries, image) === 'Available');
  };
  const startedMs = performance.now();
  const within = { withinMs: copiedWithinMs };
  const error = await untilReady('all images are copied', isCopied, within).catch(String);
  done();
  for (const { image, bytesDone, bytesTotal } of seen.values()) {
    page.detail('progress', `${image}: ${sizeOf(bytesDone)} of ${sizeOf(bytesTotal ?? 0)}`);
  }
  const seconds = ((performance.now() - startedMs) / 1_000).toFixed(1);
  if (typeof error === 'string') page.detail('NOT SO', error, 'bad');
  else page.detail('copied', `${images.length} images within ${seconds} s`, 'good');
  // It runs to its end; from now on nobody uses its image.
  await admin.remove(`/api/v1/namespaces/${stage.namespace}/pods/${once.name}`);
  page.detail('then', `the Pod ${once.name} is gone; its copy is kept for a second, not a week`);
  return problems.length + (typeof error === 'string' ? 1 : 0);
}

/** Tells that the copy which nobody uses any more is deleted, and no other. */
export async function tellCleanup(page: Page, stage: Stage): Promise<number> {
  const { onceCopy } = mirrored(stage);
  const done = page.step('What no Pod uses any more goes, half a minute after all know');
  const isGone = async () => (await statusAt(stage, onceCopy.name)) === 404;
  const within = { withinMs: deletedWithinMs };
  const error = await untilReady(`${onceCopy.image} is deleted`, isGone, within).catch(String);
  done();
  if (typeof error === 'string') {
    page.detail('NOT SO', error, 'bad');
    return 1;
  }
  page.detail('deleted', onceCopy.image, 'changed');
  return 0;
}

async function runningCopies({ operator }: Stage): Promise<readonly Running[]> {
  const answer = await fetch(`${operator.metricsUrl}/status/mirroring`);
  const { running } = (await answer.json()) as { readonly running: readonly Running[] };
  return running;
}

function stateOf(entries: readonly Entry[], image: string): string | undefined {
  return entries.find((entry) => entry.image === image)?.mirrors?.[0]?.state;
}

async function statusAt({ standby }: Stage, name: string): Promise<number> {
  const [repository = '', tag = ''] = name.split(':');
  const path = `/v2/${repository}/manifests/${tag}`;
  const headers = { accept: 'application/vnd.oci.image.manifest.v1+json' };
  return (await registryRequest(standby, { path, method: 'HEAD', headers })).status;
}

function sizeOf(bytes: number): string {
  if (bytes < mebibyte) return `${(bytes / kibibyte).toFixed(1)} KiB`;
  return `${(bytes / mebibyte).toFixed(1)} MiB`;
}
