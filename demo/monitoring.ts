import { deleteManifest } from '#test/support/registries/images.ts';
import { registryRequest } from '#test/support/registries/registry-request.ts';
import { untilReady } from '#test/support/time/eventually.ts';
import { watched, watching } from './cast.ts';
import type { Page } from './page.ts';
import type { Stage } from './stage.ts';

/** With one check each 200 ms; on a machine that does other things as well. */
const noticedWithinMs = 20_000;
const manifestType = 'application/vnd.oci.image.manifest.v1+json';

/** The part of an entry of `status.images` that the story tells. */
interface Entry {
  readonly image: string;
  readonly status: string;
  readonly lastError?: string;
}

/**
 * Tells how an image that can no longer be pulled is found out before a Pod needs it; answers how
 * many things did not come out as told.
 */
export async function tellMonitoring(page: Page, stage: Stage): Promise<number> {
  const image = `${stage.main.host}/${watched}`;
  let done = page.step('A resource watches the images that these Pods use');
  await stage.plane.admin.create(watching(stage).path, watching(stage).object);
  const before = await becomes(stage, { image, status: 'Available' });
  done();
  let problems = show(page, before);

  done = page.step(`Somebody deletes ${watched} from its registry`);
  await deleteImage(stage, watched);
  const after = await becomes(stage, { image, status: 'NotFound' });
  done();
  problems += show(page, after);
  problems += await atRisk(page, stage, image);
  return problems;
}

/** Deletes as a clean-up job would: by the digest that the tag has. */
async function deleteImage({ main }: Stage, name: string): Promise<void> {
  const [repository = '', tag = ''] = name.split(':');
  const path = `/v2/${repository}/manifests/${tag}`;
  const headers = { accept: manifestType };
  const found = await registryRequest(main, { path, method: 'HEAD', headers });
  await deleteManifest(main, repository, String(found.headers['docker-content-digest']));
}

/** What a status said in the end, and what it was to say. */
interface Outcome {
  readonly wanted: Pick<Entry, 'image' | 'status'>;
  readonly seen: Entry | undefined;
}

/** Waits until the status of the resource says so of the image. */
async function becomes(stage: Stage, wanted: Outcome['wanted']): Promise<Outcome> {
  let seen: Entry | undefined;
  const look = async () => {
    seen = await entryOf(stage, wanted.image);
    return seen?.status === wanted.status;
  };
  const what = `${wanted.image} is ${wanted.status}`;
  await untilReady(what, look, { withinMs: noticedWithinMs }).catch(() => undefined);
  return { wanted, seen };
}

function show(page: Page, { wanted, seen }: Outcome): number {
  page.detail('image', wanted.image);
  if (seen?.status !== wanted.status) {
    const got = seen?.status ?? 'nothing';
    page.detail('NOT SO', `expected ${wanted.status}, the status says ${got}`, 'bad');
    return 1;
  }
  page.detail('  status', seen.status, seen.status === 'Available' ? 'good' : 'changed');
  if (seen.lastError !== undefined) page.detail('  why', seen.lastError);
  return 0;
}

async function entryOf(stage: Stage, image: string): Promise<Entry | undefined> {
  const { status } = await stage.plane.admin.get(watching(stage).objectPath);
  const entries: readonly Entry[] = status?.images ?? [];
  return entries.find((entry) => entry.image === image);
}

/** What `kuik status` prints: who could not start again elsewhere. */
async function atRisk(page: Page, stage: Stage, image: string): Promise<number> {
  const query = new URLSearchParams({ namespace: stage.namespace });
  const answer = await fetch(`${stage.operator.metricsUrl}/status/workloads?${query}`);
  const { workloads } = (await answer.json()) as {
    readonly workloads: readonly {
      readonly kind: string;
      readonly name: string;
      readonly images: readonly Entry[];
    }[];
  };
  const found = workloads.find(({ images }) => images.some((entry) => entry.image === image));
  if (found === undefined) {
    page.detail('NOT SO', `expected a workload that uses ${image}`, 'bad');
    return 1;
  }
  page.detail('at risk', `${found.kind}/${found.name} could not start again elsewhere`, 'changed');
  return 0;
}
