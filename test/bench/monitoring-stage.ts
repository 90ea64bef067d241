import { leaseName } from '#actors/leader/leadership.ts';
import { microTime } from '#kube/micro-time.ts';
import type { Api } from '#test/support/api-server/api.ts';
import { type ControlPlane, startControlPlane } from '#test/support/api-server/control-plane.ts';
import { canBeInPod } from '#test/support/api-server/in-pod.ts';
import { createManyPods, ordinaryPod } from '#test/support/api-server/many-pods.ts';
import { createNamespace } from '#test/support/api-server/namespace.ts';
import { type OperatorProcess, startOperator } from '#test/support/operator/operator-process.ts';
import { freePorts } from '#test/support/processes/child-process.ts';
import { type Inspector, openInspector } from '#test/support/processes/inspector.ts';
import { type LightRegistry, startLightRegistry } from '#test/support/registries/light-registry.ts';
import { eventually, untilReady } from '#test/support/time/eventually.ts';
import { type BenchTls, makeBenchTls } from './admission-stage.ts';
import { cores, pin } from './cores.ts';

/** How many Pods; each has two containers with an image that no other has. */
export interface MonitoringStageOptions {
  readonly pods: number;
  /** Registries to which images are mirrored; none unless told. */
  readonly mirrors?: number;
}

/** A cluster full of Pods, its registries, and an operator that may or may not lead. */
export interface MonitoringStage {
  readonly plane: ControlPlane;
  readonly namespace: string;
  /** The one that runs now. */
  readonly operator: () => OperatorProcess;
  /** Whether it runs as in a Pod, with a service account in place of a kubeconfig. */
  readonly isInPod: boolean;
  /** Ends the operator and starts another, which has a kubeconfig and knows nothing. */
  readonly startWithKubeconfig: () => Promise<void>;
  /** Opens the inspector, which costs the process memory of its own. */
  readonly inspect: () => Promise<Inspector>;
  /** Requests that all registries have had. */
  readonly requests: () => number;
  /** The registries to which images are mirrored. */
  readonly mirrors: readonly LightRegistry[];
  /** Where the images come from. */
  readonly hosts: readonly string[];
  /** Declares the one resource, which is about all images; there is one term of it a name. */
  readonly declare: (name: string) => Promise<void>;
  /** Another holds the Lease for so long; resolves once the operator has noticed. */
  readonly depose: (forSeconds: number) => Promise<void>;
  /** Resolves with the wall time at which the operator says that it leads again. */
  readonly leads: () => Promise<number>;
  /** The next Pod goes, and one with new images comes. */
  readonly replacePod: () => Promise<void>;
  /** Who may do everything. */
  readonly admin: Api;
  readonly pathOf: (resource: string) => string;
  readonly close: () => Promise<void>;
}

const registriesCount = 40;
/** Checked ten times a second; the others at the pace that is the default. */
const quickCount = 4;
const quick = { interval: '1s', maxPerInterval: 10 };
const resources = '/apis/kuik.enix.io/v1alpha1/clusterimagesetavailabilities';

/** Fills the cluster, then starts the operator; all else shares one core. */
export async function setMonitoringStage({
  pods,
  mirrors: mirrorsCount = 0,
}: MonitoringStageOptions): Promise<MonitoringStage> {
  const tls = await makeBenchTls();
  const registries = await startLightRegistries(registriesCount, tls);
  const mirrors = await startLightRegistries(mirrorsCount, tls);
  const hosts = registries.map(({ host }) => host);
  const plane = await startControlPlane();
  const { admin } = plane;
  const namespace = await createNamespace(admin, 'monitoring');
  const imagesOf = (index: number) => [2 * index, 2 * index + 1].map((at) => imageAt(hosts, at));
  await createManyPods(admin, { namespace, pods, images: pods, imagesOf });
  pin(process.pid, cores.measuring);
  for (const { pid } of plane.children) pin(pid, cores.measuring);
  const isInPod = canBeInPod();
  const inspectPort = (await freePorts(1))[0] ?? 0;
  const items = Object.fromEntries(hosts.slice(0, quickCount).map((host) => [host, quick]));
  const start = (inPod: boolean) =>
    startOperator({
      ...{ adminKubeconfig: plane.adminKubeconfig, inPod },
      config: { monitoring: { registries: { items } } },
      flags: ['--log-level=info'],
      env: {
        NODE_EXTRA_CA_CERTS: tls.authorityFile,
        NODE_OPTIONS: `--inspect-port=127.0.0.1:${inspectPort}`,
      },
    });
  let operator = await start(isInPod);
  let replaced = 0;
  const path = `/api/v1/namespaces/${namespace}/pods`;
  return {
    ...{ plane, admin, namespace, isInPod, mirrors, hosts },
    pathOf: (resource) => `${resources}/${resource}`,
    operator: () => operator,
    startWithKubeconfig: async () => {
      await operator.stop();
      operator = await start(false);
    },
    inspect: async () => {
      process.kill(operator.pid, 'SIGUSR1');
      return await untilReady('the inspector is open', () => openInspector(inspectPort));
    },
    requests: () => registries.reduce((total, registry) => total + registry.requests(), 0),
    declare: async (name) => {
      await admin.create(resources, {
        apiVersion: 'kuik.enix.io/v1alpha1',
        kind: 'ClusterImageSetAvailability',
        metadata: { name },
        spec: { imageFilter: { include: ['.+'] }, unusedImageExpiry: '720h' },
      });
    },
    ...electionOf(plane, () => operator),
    replacePod: async () => {
      const index = replaced;
      replaced += 1;
      const query = { gracePeriodSeconds: '0' };
      await admin.call('DELETE', `${path}/app-${index}`, { query });
      await admin.create(path, ordinaryPod({ images: pods, imagesOf }, pods + index));
    },
    close: async () => {
      await operator.stop();
      await plane.stop();
      for (const registry of [...registries, ...mirrors]) await registry.close();
      tls.directory.remove();
    },
  };
}

async function startLightRegistries(count: number, tls: BenchTls): Promise<LightRegistry[]> {
  const registries: LightRegistry[] = [];
  for (let index = 0; index < count; index += 1) {
    registries.push(await startLightRegistry(tls.certificate));
  }
  return registries;
}

function imageAt(hosts: readonly string[], at: number): string {
  return `${hosts[at % hosts.length]}/team-${at % 25}/app-${at}:v1.${at % 7}`;
}

function electionOf(
  { admin }: ControlPlane,
  operator: () => OperatorProcess,
): Pick<MonitoringStage, 'depose' | 'leads'> {
  return {
    depose: async (forSeconds) => {
      const now = microTime(Date.now());
      const spec = {
        ...{ holderIdentity: 'somebody-else', leaseDurationSeconds: forSeconds },
        ...{ acquireTime: now, renewTime: now },
      };
      const leases = `/apis/coordination.k8s.io/v1/namespaces/${operator().namespace}/leases`;
      const before = timesOf(operator(), 'this process does not lead').length;
      await admin.merge(`${leases}/${leaseName}`, { spec });
      await eventually(
        'the operator follows',
        () => timesOf(operator(), 'this process does not lead').length > before,
        { withinMs: 30_000 },
      );
    },
    leads: async () =>
      await eventually(
        'the operator leads',
        () => {
          const last = timesOf(operator(), 'this process leads').at(-1);
          const lost = timesOf(operator(), 'this process does not lead').at(-1) ?? 0;
          return last !== undefined && last > lost && last;
        },
        { withinMs: 60_000, everyMs: 20 },
      ),
  };
}

/** Wall times at which the operator said this. */
function timesOf(operator: OperatorProcess, message: string): readonly number[] {
  return operator
    .logs()
    .split('\n')
    .filter((line) => line.includes(`"${message}"`))
    .map((line) => Date.parse((JSON.parse(line) as { readonly time: string }).time));
}
