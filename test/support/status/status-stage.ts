import { onTestFinished } from 'vitest';
import type { StatusStore } from '#actors/reporting/status-store.ts';
import { addStatusWriters, type StatusWriters } from '#actors/reporting/status-writers.ts';
import type { Runtime } from '#actors/runtime.ts';
import { type KuikKind, pluralOf } from '#api/kinds.ts';
import { fail } from '#core/result.ts';
import type { ListedImage } from '#core/status/status-kind.ts';
import type { ApiCall, KubeClient } from '#kube/client.ts';
import type { ApiFailure } from '#kube/failures.ts';
import { adminClient } from '#test/support/api-server/kube-client.ts';
import { admin, freshNamespace } from '#test/support/api-server/plane.ts';
import { startLeading } from '#test/support/time/leading-system.ts';
import { createRealRuntime } from '#test/support/time/real-runtime.ts';
import { createListedImages, type ListedImagesTwin } from './listed-images.ts';

/** A call that wrote something, or tried to. */
export interface WrittenCall {
  readonly call: ApiCall;
  /** Monotonic, ms. */
  readonly atMs: number;
}

/** What a leader runs, ended with the test at the latest. */
export interface LeadingWriter extends StatusWriters {
  readonly stop: () => void;
}

/** One resource on the real API server, and what writes and reads its status. */
export interface StatusStage<Image extends ListedImage> {
  readonly name: string;
  /** As its images name it. */
  readonly resource: string;
  /** Path of the resource. */
  readonly path: string;
  /** The operator's, with the ConfigMaps. */
  readonly namespace: string;
  readonly images: ListedImagesTwin<Image>;
  readonly client: Pick<KubeClient, 'call'>;
  readonly writes: readonly WrittenCall[];
  readonly statusWrites: () => readonly WrittenCall[];
  /** Lets so many more writes through; those after them fail as one does that nobody answers. */
  readonly breakAfter: (writes: number) => void;
  /** How many have failed so. */
  readonly refused: () => number;
  readonly create: () => Promise<unknown>;
  readonly lead: () => LeadingWriter;
  readonly restore: () => Promise<readonly Image[]>;
  // biome-ignore lint/suspicious/noExplicitAny: tests assert on JSON whose shape is what they test.
  readonly status: () => Promise<any>;
  /** The ConfigMaps of its overflow. */
  // biome-ignore lint/suspicious/noExplicitAny: tests assert on JSON whose shape is what they test.
  readonly shards: () => Promise<any[]>;
}

/** Of what kind the resource is, and who writes it. */
export interface StatusStageOptions<Image extends ListedImage, Status> {
  readonly kind: KuikKind;
  readonly spec: object;
  readonly isNamespaced: boolean;
  /** As its images name it. */
  readonly nameOf: (identity: { readonly namespace?: string; readonly name: string }) => string;
  readonly store: (
    runtime: Runtime,
    where: { readonly client: Pick<KubeClient, 'call'>; readonly namespace: string },
  ) => StatusStore<Image, Status>;
}

let stages = 0;
const broken: ApiFailure = { kind: 'connection', message: 'cut by the test' };

/** Makes the resource, in a fresh namespace; both go with the test. */
export async function statusStage<Image extends ListedImage, Status>(
  options: StatusStageOptions<Image, Status>,
): Promise<StatusStage<Image>> {
  const { kind, spec, isNamespaced } = options;
  const kube = await adminClient();
  stages += 1;
  const name = `all-${process.pid}-${stages}`;
  const namespace = await freshNamespace();
  const own = isNamespaced ? await freshNamespace() : undefined;
  const group = '/apis/kuik.enix.io/v1alpha1';
  const base = `${group}${own === undefined ? '' : `/namespaces/${own}`}/${pluralOf(kind)}`;
  const path = `${base}/${name}`;
  const resource = options.nameOf(own === undefined ? { name } : { namespace: own, name });
  const writes: WrittenCall[] = [];
  let writesLeft = Number.POSITIVE_INFINITY;
  let refused = 0;
  const client: StatusStage<Image>['client'] = {
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
      ...{ kind, metadata: { name }, spec },
    });
  await create();
  onTestFinished(() => admin().remove(path));
  const images = createListedImages<Image>(resource);
  const storeOn = (runtime: Runtime) => options.store(runtime, { client, namespace });
  const configMaps = `/api/v1/namespaces/${namespace}/configmaps`;
  return {
    ...{ name, resource, path, namespace, images, client, writes, create },
    statusWrites: () => writes.filter(({ call }) => call.path.endsWith('/status')),
    breakAfter: (count) => {
      writesLeft = count;
    },
    refused: () => refused,
    lead: () => lead(storeOn, images),
    restore: async () => {
      const restored = await storeOn(createRealRuntime()).restore(
        resource,
        new AbortController().signal,
      );
      if (!restored.ok) throw new Error(restored.error.message);
      return restored.value;
    },
    status: async () => (await admin().get(path)).status,
    shards: async () =>
      (await admin().get(configMaps)).items.filter(({ metadata }: { metadata: { name: string } }) =>
        metadata.name.startsWith('kuik-overflow-'),
      ),
  };
}

function lead<Image extends ListedImage, Status>(
  storeOn: (runtime: Runtime) => StatusStore<Image, Status>,
  images: ListedImagesTwin<Image>,
): LeadingWriter {
  const runtime = createRealRuntime();
  let writers: StatusWriters | undefined;
  const system = startLeading(runtime, (made) => {
    writers = addStatusWriters(made, {
      ...{ images, store: storeOn(runtime) },
      ids: { writers: 'status-writers', changes: 'status-changes' },
    });
  });
  if (writers === undefined) throw new Error('nothing was added');
  return { ...writers, stop: system.follow };
}
