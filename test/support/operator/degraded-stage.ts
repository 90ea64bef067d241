import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type ApiProxy, startApiProxy } from '#test/support/api-server/api-proxy.ts';
import { createNamespace, removeNamespace } from '#test/support/api-server/namespace.ts';
import { admin, adminKubeconfig } from '#test/support/api-server/plane.ts';
import { temporaryDirectory } from '#test/support/processes/guardian.ts';
import { type DnsServer, startDnsServer } from '#test/support/registries/dns-server.ts';
import { type FaultRegistry, startFaultRegistry } from '#test/support/registries/fault-registry.ts';
import { pushImage } from '#test/support/registries/images.ts';
import { startRegistry } from '#test/support/registries/registry.ts';
import { createPod, oneContainer } from './created-pod.ts';
import { type OperatorProcess, startOperator } from './operator-process.ts';

/** An operator in a container's world, with everything around it that can go. */
export interface DegradedStage {
  readonly operator: OperatorProcess;
  readonly namespace: string;
  /** Its way to the API server; Pods are created past it. */
  readonly proxy: ApiProxy;
  readonly source: FaultRegistry;
  readonly mirror: FaultRegistry;
  /** Whether the name server answers. */
  readonly setDns: (answers: boolean) => void;
  /** The operator's wall clock is off by so much from now on. */
  readonly setClock: (offsetMs: number) => void;
  /** A Pod of an image of the source that nobody has yet, under its address or under its name. */
  readonly addPod: (by?: 'address' | 'name') => Promise<{ image: string; warnings: string[] }>;
  /** What the statuses say of an image: its check and its copy. */
  readonly told: (image: string) => Promise<Told>;
  /** How its file systems are mounted, as the kernel has it. */
  readonly mounts: () => string;
  readonly close: () => Promise<void>;
}

/** What statuses say of one image. */
export interface Told {
  readonly status?: string;
  readonly lastError?: string;
  readonly lastMonitor?: string;
  readonly copy?: string;
  readonly copyError?: string;
  readonly mirroredAt?: string;
}

const kuik = '/apis/kuik.enix.io/v1alpha1';
const sourceName = 'registry.kuik.test';
/** So short that a Lease can be lost and won again in a test. */
const flags = ['--lease-duration=3s', '--renew-deadline=2s', '--retry-period=500ms'];
/** Little more than it needs, so that what asks for more is seen. */
const heapMegabytes = 112;

/** Starts all of it on this worker's control plane. */
export async function setDegradedStage(): Promise<DegradedStage> {
  const directory = temporaryDirectory('degraded');
  const clockFile = join(directory.path, 'clock');
  const resolvFile = join(directory.path, 'resolv.conf');
  let dnsAnswers = true;
  const dns = await startDnsServer((name, family) => {
    if (!dnsAnswers) return 'silence';
    return name === sourceName && family === 4 ? ['127.0.0.1'] : 'no such name';
  });
  writeFileSync(clockFile, '0');
  writeFileSync(resolvFile, `nameserver ${dns.address}\noptions timeout:1 attempts:1\n`);
  const [from, to] = await Promise.all([startRegistry(), startRegistry()]);
  const source = await startFaultRegistry({ upstream: from });
  const mirror = await startFaultRegistry({ upstream: to });
  const { server, authorityPem } = admin();
  const proxy = await startApiProxy({ server, authorityPem });
  const namespace = await createNamespace(admin(), 'degraded');
  await declare(namespace, mirror.host);
  const byName = `${sourceName}:${source.port}`;
  const operator = await startOperator({
    ...{ adminKubeconfig: adminKubeconfig(), flags, inPod: true },
    ...{ server: proxy.server, authorityPem: proxy.authorityPem },
    config: {
      registries: { [byName]: { plainHTTP: true } },
      monitoring: { registries: { default: { interval: '1s', maxPerInterval: 2 } } },
    },
    mounts: readOnlyBut(resolvFile),
    env: {
      TEST_CLOCK_FILE: clockFile,
      NODE_OPTIONS: `--max-old-space-size=${heapMegabytes} --import=${preload}`,
    },
  });
  let pods = 0;
  return {
    ...{ operator, namespace, proxy, source, mirror },
    setDns: (answers) => {
      dnsAnswers = answers;
    },
    setClock: (offsetMs) => writeFileSync(clockFile, String(offsetMs)),
    addPod: async (by = 'address') => {
      pods += 1;
      await pushImage(from, `team/app-${pods}:1`);
      const image = `${by === 'name' ? byName : source.host}/team/app-${pods}:1`;
      const { warnings } = await createPod(namespace, oneContainer(image));
      return { image, warnings: [...warnings] };
    },
    told: (image) => readTold(namespace, image),
    mounts: () => readFileSync(`/proc/${operator.pid}/mounts`, 'utf8'),
    close: async () => {
      await operator.kill();
      await admin().remove(`${kuik}/clusterimagesetavailabilities/${namespace}`);
      await removeNamespace(admin(), namespace);
      await closeAll([proxy, source, mirror, dns]);
      await Promise.all([from.remove(), to.remove()]);
      directory.remove();
    },
  };
}

const preload = join(import.meta.dirname, '..', 'time', 'jumping-clock.ts');

/** Nothing can be written anywhere; names are resolved by the test's own server. */
const readOnlyBut = (resolvFile: string): string => `
  mount --bind '${resolvFile}' /etc/resolv.conf
  mount -o remount,ro /run
  mount --rbind / /
  mount -o remount,bind,ro /
`;

async function closeAll(
  all: readonly (Pick<FaultRegistry | DnsServer, 'close'> | ApiProxy)[],
): Promise<void> {
  for (const one of all) await one.close();
}

async function declare(namespace: string, mirror: string): Promise<void> {
  const apiVersion = 'kuik.enix.io/v1alpha1';
  await admin().create(`${kuik}/clusterimagesetavailabilities`, {
    ...{ apiVersion, kind: 'ClusterImageSetAvailability', metadata: { name: namespace } },
    spec: { imageFilter: { include: ['.+'] }, namespaceFilter: { include: [namespace] } },
  });
  await admin().create(`${kuik}/namespaces/${namespace}/imagesetmirrors`, {
    ...{ apiVersion, kind: 'ImageSetMirror', metadata: { name: 'copies' } },
    spec: {
      imageFilter: { include: ['.+'] },
      mirrors: [{ registry: mirror, path: '/copies' }],
      cleanup: { enabled: true, retention: '168h' },
    },
  });
}

async function readTold(namespace: string, image: string): Promise<Told> {
  const [checked, copied] = await Promise.all([
    admin().get(`${kuik}/clusterimagesetavailabilities/${namespace}`),
    admin().get(`${kuik}/namespaces/${namespace}/imagesetmirrors/copies`),
  ]);
  const isIt = (one: { readonly image: string }) => one.image === image;
  const { status, lastError, lastMonitor } = checked.status?.images?.find(isIt) ?? {};
  const [copy = {}] = copied.status?.matchingImages?.find(isIt)?.mirrors ?? [];
  const { state, lastError: copyError, mirroredAt } = copy;
  return { status, lastError, lastMonitor, copy: state, copyError, mirroredAt };
}
