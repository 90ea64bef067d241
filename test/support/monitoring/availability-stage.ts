import { onTestFinished } from 'vitest';
import { availabilityStore } from '#actors/reporting/availability-store.ts';
import { addStatusWriters } from '#actors/reporting/status-writers.ts';
import type { TrackedImage } from '#core/monitoring/tracked-image.ts';
import { fail } from '#core/result.ts';
import type { ApiCall, KubeClient } from '#kube/client.ts';
import type { ApiFailure } from '#kube/failures.ts';
import { adminClient } from '#test/support/api-server/kube-client.ts';
import { admin, freshNamespace } from '#test/support/api-server/plane.ts';
import { startLeading } from '#test/support/time/leading-system.ts';
import { createRealRuntime } from '#test/support/time/real-runtime.ts';
import { createTrackedImages, type TrackedImagesTwin, tracked } from './tracked-images.ts';

const base = '/apis/kuik.enix.io/v1alpha1/clusterimagesetavailabilities';

/** A call that wrote something, or tried to. */
export interface WrittenCall {
  readonly call: ApiCall;
  /** Monotonic, ms. */
  readonly atMs: number;
}

/** What a leader runs, ended with the test at the latest. */
export interface LeadingWriter {
  /** Writes what is still to be written, whatever the pace. */
  readonly flush: () => Promise<void>;
  readonly stop: () => void;
}

/** One ClusterImageSetAvailability on the real API server, and what writes and reads its status. */
export interface AvailabilityStage {
  readonly name: string;
  /** Path of the resource. */
  readonly path: string;
  readonly namespace: string;
  readonly images: TrackedImagesTwin;
  readonly client: Pick<KubeClient, 'call'>;
  readonly writes: readonly WrittenCall[];
  readonly statusWrites: () => readonly WrittenCall[];
  /** Lets so many more writes through; those after them fail as one does that nobody answers. */
  readonly breakAfter: (writes: number) => void;
  /** How many have failed so. */
  readonly refused: () => number;
  readonly create: () => Promise<unknown>;
  readonly lead: () => LeadingWriter;
  readonly restore: () => Promise<readonly TrackedImage[]>;
  // biome-ignore lint/suspicious/noExplicitAny: tests assert on JSON whose shape is what they test.
  readonly status: () => Promise<any>;
  /** The ConfigMaps of its overflow. */
  // biome-ignore lint/suspicious/noExplicitAny: tests assert on JSON whose shape is what they test.
  readonly shards: () => Promise<any[]>;
  /** An image of this resource. */
  readonly image: (image: string, given?: Partial<TrackedImage>) => TrackedImage;
}

let stages = 0;
const broken: ApiFailure = { kind: 'connection', message: 'cut by the test' };

/** Makes the resource, in a fresh namespace; both go with the test. */
export async function availabilityStage(): Promise<AvailabilityStage> {
  const kube = await adminClient();
  stages += 1;
  const name = `all-${process.pid}-${stages}`;
  const path = `${base}/${name}`;
  const writes: WrittenCall[] = [];
  let writesLeft = Number.POSITIVE_INFINITY;
  let refused = 0;
  const client: AvailabilityStage['client'] = {
    call: async (call, signal) => {
      if (call.method === 'GET') return await kube.call(call, signal);
      writesLeft -= 1;
      if (writesLeft < 0) {
        refused += 1;
        return fail(broken);
      }
      writes.push({ call, atMs: performance.now() });
      return await kube.call(call, signal);
    },
  };
  const create = () =>
    admin().create(base, {
      apiVersion: 'kuik.enix.io/v1alpha1',
      kind: 'ClusterImageSetAvailability',
      metadata: { name },
      spec: { imageFilter: { include: ['.*'] } },
    });
  await create();
  onTestFinished(() => admin().remove(path));
  const namespace = await freshNamespace();
  const images = createTrackedImages(name);
  const configMaps = `/api/v1/namespaces/${namespace}/configmaps`;
  return {
    ...{ name, path, namespace, images, client, writes, create },
    statusWrites: () => writes.filter(({ call }) => call.path.endsWith('/status')),
    breakAfter: (count) => {
      writesLeft = count;
    },
    refused: () => refused,
    lead: () => lead({ client, namespace, images }),
    restore: () => restore({ client, namespace, name }),
    status: async () => (await admin().get(path)).status,
    shards: async () =>
      (await admin().get(configMaps)).items.filter(({ metadata }: { metadata: { name: string } }) =>
        metadata.name.startsWith('kuik-overflow-'),
      ),
    image: (image, given = {}) => tracked(image, { resource: name, ...given }),
  };
}

function lead({
  client,
  namespace,
  images,
}: Pick<AvailabilityStage, 'client' | 'namespace' | 'images'>): LeadingWriter {
  const runtime = createRealRuntime();
  const store = availabilityStore(runtime, { client, namespace });
  let flush: LeadingWriter['flush'] = async () => undefined;
  const system = startLeading(runtime, (made) => {
    ({ flush } = addStatusWriters(made, {
      ...{ images, store },
      ids: { writers: 'status-writers', changes: 'status-changes' },
    }));
  });
  return { flush, stop: system.follow };
}

async function restore({
  client,
  namespace,
  name,
}: Pick<AvailabilityStage, 'client' | 'namespace' | 'name'>): Promise<readonly TrackedImage[]> {
  const store = availabilityStore(createRealRuntime(), { client, namespace });
  const images = await store.restore(name, new AbortController().signal);
  if (!images.ok) throw new Error(images.error.message);
  return images.value;
}
