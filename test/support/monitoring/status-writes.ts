import type { ClusterImageSetAvailabilityStatus } from '#api/image-set-availability.ts';
import { availabilityStatus } from '#core/monitoring/availability-status.ts';
import { statusText } from '#core/status/status-list.ts';
import { createKubeClient } from '#kube/client.ts';
import { loadKubeConfig } from '#kube/kube-config.ts';
import { watchOnce } from '#kube/watch.ts';

/** One write of what a status says of images; conditions are another writer's. */
export interface StatusWrite<Status = ClusterImageSetAvailabilityStatus> {
  /** When the watch told of it, wall time in ms. */
  readonly atMs: number;
  /** Size of the whole object as JSON. */
  readonly bytes: number;
  readonly status: Status;
}

/** The writes of one status, as a watch of our own sees them. */
export interface StatusWrites<Status = ClusterImageSetAvailabilityStatus> {
  readonly all: () => readonly StatusWrite<Status>[];
  readonly last: () => StatusWrite<Status> | undefined;
  readonly close: () => Promise<void>;
}

/** Which resource is watched, and what its status says of images, as text. */
export interface WatchedStatus<Status> {
  readonly plural: string;
  readonly name: string;
  readonly textOf: (status: Partial<Status>) => string;
}

/** Watches one ClusterImageSetAvailability from now on; the caller closes it. */
export async function watchStatusWrites(
  kubeconfig: string,
  resource: string,
): Promise<StatusWrites> {
  return await watchWritesOf<ClusterImageSetAvailabilityStatus>(kubeconfig, {
    ...{ plural: 'clusterimagesetavailabilities', name: resource },
    textOf: (status) => statusText(availabilityStatus, status),
  });
}

/** Watches one cluster-scoped resource from now on; the caller closes it. */
export async function watchWritesOf<Status>(
  kubeconfig: string,
  { plural, name, textOf }: WatchedStatus<Status>,
): Promise<StatusWrites<Status>> {
  const access = await loadKubeConfig({ kubeconfig, environment: {} });
  if (!access.ok) throw new Error(access.error.message);
  const client = createKubeClient({ access: access.value });
  const abort = new AbortController();
  const opened = Promise.withResolvers<void>();
  const writes: StatusWrite<Status>[] = [];
  let text = textOf({});
  const end = watchOnce(client, {
    path: `/apis/kuik.enix.io/v1alpha1/${plural}`,
    query: { watch: 'true', fieldSelector: `metadata.name=${name}` },
    signal: abort.signal,
    onOpen: opened.resolve,
    onEvent: (_, { status = {}, ...rest }) => {
      const said = status as Status;
      if (textOf(said) === text) return;
      text = textOf(said);
      const bytes = Buffer.byteLength(JSON.stringify({ ...rest, status }));
      writes.push({ atMs: Date.now(), bytes, status: said });
    },
  });
  await Promise.race([opened.promise, end]);
  return {
    all: () => writes,
    last: () => writes.at(-1),
    close: async () => {
      abort.abort();
      await end;
      await client.close();
    },
  };
}
