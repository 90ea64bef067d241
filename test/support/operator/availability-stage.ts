import { type ControlPlane, startControlPlane } from '#test/support/api-server/control-plane.ts';
import { followLease } from '#test/support/api-server/lease-history.ts';
import { createNamespace } from '#test/support/api-server/namespace.ts';
import { ownerOfPort } from '#test/support/processes/process-use.ts';
import { type FaultRegistry, startFaultRegistry } from '#test/support/registries/fault-registry.ts';
import { pushImage } from '#test/support/registries/images.ts';
import { startRegistry } from '#test/support/registries/registry.ts';
import { untilReady } from '#test/support/time/eventually.ts';
import { type Replicas, startReplicas } from './replicas.ts';

/** Three replicas behind a balancer, a cluster of their own, images, and what is declared of them. */
export interface AvailabilityStage {
  readonly plane: ControlPlane;
  readonly replicas: Replicas;
  readonly namespace: string;
  /** As a Pod names them; each is to be rewritten to what `rewritten` says. */
  readonly images: readonly string[];
  readonly rewritten: (image: string) => string;
  /** Every DELETE that a mirror was sent, and whether its sender held the Lease then. */
  readonly deletions: () => readonly { readonly path: string; readonly isHeld: boolean }[];
  /** What the statuses say: of all images whether they are known to be there, and copied. */
  readonly converged: (images: number) => Promise<void>;
  readonly kill: () => Promise<void>;
  readonly close: () => Promise<void>;
}

/** Of the bar: another one leads at most so long after. */
const flags = [
  ...['--lease-duration=3s', '--renew-deadline=2s', '--retry-period=500ms'],
  '--log-level=debug',
];
const imagesCount = 20;
const config = {
  monitoring: { registries: { default: { interval: '1s', maxPerInterval: imagesCount } } },
  mirroring: { concurrency: 4 },
};
const kuik = '/apis/kuik.enix.io/v1alpha1';
const convergedWithinMs = 120_000;

/** Starts all of it. */
export async function setAvailabilityStage(): Promise<AvailabilityStage> {
  const plane = await startControlPlane();
  const { admin, adminKubeconfig } = plane;
  const [source, target] = await Promise.all([startRegistry(), startRegistry()]);
  const mirror = await startFaultRegistry({ upstream: target });
  const names = Array.from({ length: imagesCount }, (_, index) => `app-${index}:1`);
  const pushed = names.flatMap((name) => [`first/${name}`, `second/${name}`]);
  await Promise.all(pushed.map((name) => pushImage(source, name)));
  const namespace = await createNamespace(admin, 'availability');
  await declare(plane, { source: source.host, mirror: mirror.host });
  const replicas = await startReplicas({ adminKubeconfig, count: 3, config, flags });
  const lease = followLease(
    admin,
    `/apis/coordination.k8s.io/v1/namespaces/${replicas.namespace}/leases/e69ca865.enix.io`,
  );
  const identities = new Map<number, string>();
  const leader = async () => {
    const found = await replicas.leader();
    identities.set(found.replica.operator.pid, found.identity);
    return found;
  };
  const deletions: { readonly path: string; readonly isHeld: boolean }[] = [];
  watchDeletions(mirror, ({ path, clientPort = 0 }) => {
    const pids = replicas.alive().map(({ operator }) => operator.pid);
    const pid = ownerOfPort(pids, clientPort);
    const isHeld = pid !== undefined && lease.wasHeldBy(identities.get(pid), Date.now());
    deletions.push({ path, isHeld });
  });
  return {
    ...{ plane, replicas, namespace },
    images: names.map((name) => `${source.host}/first/${name}`),
    rewritten: (image) => image.replace('/first/', '/second/'),
    deletions: () => deletions,
    converged: async (images) => {
      await leader();
      await untilReady('the statuses say what is', () => isConverged(plane, images), {
        ...{ withinMs: convergedWithinMs, everyMs: 200 },
      });
    },
    kill: async () => await replicas.replace((await leader()).replica),
    close: async () => {
      await lease.stop();
      await replicas.close();
      await plane.stop();
      await mirror.close();
      await Promise.all([source.remove(), target.remove()]);
    },
  };
}

function watchDeletions(
  mirror: FaultRegistry,
  see: (request: { readonly path: string; readonly clientPort?: number }) => void,
): void {
  const fault = (request: { readonly path: string; readonly clientPort?: number }) => {
    see(request);
    return undefined;
  };
  mirror.setRules({ method: 'DELETE', path: /\/manifests\//, fault });
}

async function declare(
  { admin }: ControlPlane,
  { source, mirror }: { readonly source: string; readonly mirror: string },
): Promise<void> {
  const create = async (kind: string, plural: string, spec: object) =>
    await admin.create(`${kuik}/${plural}`, {
      ...{ apiVersion: 'kuik.enix.io/v1alpha1', kind, spec },
      metadata: { name: 'availability' },
    });
  const imageFilter = { include: [`${source}/first/.+`] };
  await create('ClusterReplicatedImageSet', 'clusterreplicatedimagesets', {
    priority: -1,
    upstreams: ['/first', '/second'].map((path) => ({
      ...{ registry: source, path, imageFilter: { include: ['/.+'] } },
    })),
  });
  await create('ClusterImageSetMirror', 'clusterimagesetmirrors', {
    ...{ imageFilter, mirrors: [{ registry: mirror, path: '/copies' }] },
    cleanup: { enabled: true, retention: '1s' },
  });
  await create('ClusterImageSetAvailability', 'clusterimagesetavailabilities', { imageFilter });
}

async function isConverged({ admin }: ControlPlane, images: number): Promise<boolean> {
  const read = async (plural: string) =>
    (await admin.get(`${kuik}/${plural}/availability`)).status ?? {};
  const [checked, copied] = await Promise.all([
    read('clusterimagesetavailabilities'),
    read('clusterimagesetmirrors'),
  ]);
  const isChecked = checked.availableCount >= images && checked.missingCount === 0;
  const isCopied = copied.imageCount === images && copied.mirroredCount === images;
  return isChecked && isCopied && copied.failedCount === 0;
}
