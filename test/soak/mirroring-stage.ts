import { type ControlPlane, startControlPlane } from '#test/support/api-server/control-plane.ts';
import { createNamespace } from '#test/support/api-server/namespace.ts';
import { seededRandom } from '#test/support/monitoring/pace-simulation.ts';
import { type OperatorProcess, startOperator } from '#test/support/operator/operator-process.ts';
import { type FaultRegistry, startFaultRegistry } from '#test/support/registries/fault-registry.ts';
import { pushLayeredImage } from '#test/support/registries/layered-images.ts';
import { sourceFaults, targetFaults } from '#test/support/registries/random-faults.ts';
import { startRegistry, type TestRegistry } from '#test/support/registries/registry.ts';

/** A registry with what stands in front of it. */
export interface SoakRegistry {
  readonly real: TestRegistry;
  readonly front: FaultRegistry;
}

/** A cluster, two registries that images come from and two that they are copied to. */
export interface MirroringStage {
  readonly plane: ControlPlane;
  readonly namespaces: readonly string[];
  readonly sources: readonly SoakRegistry[];
  readonly targets: readonly SoakRegistry[];
  /** Numbers from 0 to 1, the same in each run. */
  readonly random: () => number;
  /** The one that runs now. */
  readonly operator: () => OperatorProcess;
  /** Ends it, in either way, and starts the next one. */
  readonly restart: (how: 'SIGTERM' | 'SIGKILL') => Promise<void>;
  /** What operators have logged of crashes and errors, those that have ended too. */
  readonly troubles: () => readonly string[];
  /** Whether the API server is away by intent: whoever works on the stage cannot reach it either. */
  readonly isDisturbed?: () => boolean;
  /** All registries behave from now on, or go on with their faults. */
  readonly behave: (well: boolean) => void;
  readonly close: () => Promise<void>;
}

/** How long copies stay when no Pod has them any more. */
export const retentionMs = 20_000;
/** The resources: copies of the one lie on both targets, those of the other on the first. */
export const resourcePaths = {
  cluster: '/apis/kuik.enix.io/v1alpha1/clusterimagesetmirrors/soak',
  namespaced: (namespace: string) =>
    `/apis/kuik.enix.io/v1alpha1/namespaces/${namespace}/imagesetmirrors/soak`,
};
/** One request in a hundred goes wrong. */
const share = 0.01;
const bytesMax = 300_000;
const imagesASource = 60;
/** Of every operator of a soak: a Lease that is won and lost within seconds. */
export const soakFlags = [
  '--lease-duration=3s',
  '--renew-deadline=2s',
  '--retry-period=500ms',
  '--log-level=info',
];

/** Starts all of it and pushes the images. */
export async function setMirroringStage(
  seed: number,
  { env = {} }: { readonly env?: Readonly<Record<string, string>> } = {},
): Promise<MirroringStage> {
  const random = seededRandom(seed);
  const plane = await startControlPlane();
  const { admin, adminKubeconfig } = plane;
  const sources = [await startSoakRegistry(), await startSoakRegistry()];
  const targets = [await startSoakRegistry(), await startSoakRegistry()];
  for (const source of sources) {
    for (let index = 0; index < imagesASource; index += 1) {
      await pushVersion(source, index, random);
    }
  }
  const namespaces = [
    await createNamespace(admin, 'soak-a'),
    await createNamespace(admin, 'soak-b'),
  ];
  await declare({ plane, namespaces, sources, targets });
  const behave = (well: boolean): void => {
    const from = { fault: sourceFaults({ random, share, bytesMax }) };
    const to = { fault: targetFaults({ random, share, bytesMax }) };
    for (const { front } of sources) front.setRules(...(well ? [] : [from]));
    for (const { front } of targets) front.setRules(...(well ? [] : [to]));
  };
  behave(false);
  const first = await startOperator({ adminKubeconfig, flags: soakFlags, env });
  let operator = first;
  const ended: string[] = [];
  return {
    ...{ plane, namespaces, sources, targets, random, behave },
    operator: () => operator,
    troubles: () => [...ended, ...troublesIn(operator.logs())],
    restart: async (how) => {
      ended.push(...troublesIn(operator.logs()));
      if (operator !== first) await (how === 'SIGTERM' ? operator.stop() : operator.kill());
      else process.kill(first.pid, how);
      operator = await startOperator({ adminKubeconfig, flags: soakFlags, replicaOf: first });
    },
    close: async () => {
      if (operator !== first) await operator.stop();
      await first.kill();
      await plane.stop();
      for (const { front, real } of [...sources, ...targets]) {
        await front.close();
        await real.remove();
      }
    },
  };
}

/** Pushes what stands under the tag of an image from now on. */
export async function pushVersion(
  { real }: SoakRegistry,
  index: number,
  random: () => number,
): Promise<void> {
  const layers = Array.from({ length: 1 + (index % 3) }, () => ({
    bytes: Math.floor(random() * bytesMax),
  }));
  await pushLayeredImage(real, `team-${index % 5}/app-${index}:1`, { layers });
}

/** A full reference of one of the images. */
export function imageAt({ sources, random }: MirroringStage): string {
  const source = sources[Math.floor(random() * sources.length)];
  const index = Math.floor(random() * imagesASource);
  return `${source?.front.host}/team-${index % 5}/app-${index}:1`;
}

/** Lines of level error: a person must act, or a bug was met. */
export function troublesIn(logs: string): readonly string[] {
  return logs.split('\n').filter((line) => /"level":"?(50|60|error|fatal)/.test(line));
}

async function startSoakRegistry(): Promise<SoakRegistry> {
  const real = await startRegistry();
  return { real, front: await startFaultRegistry({ upstream: real }) };
}

async function declare({
  plane: { admin },
  namespaces,
  sources,
  targets,
}: Pick<MirroringStage, 'plane' | 'namespaces' | 'sources' | 'targets'>): Promise<void> {
  // Without the registry in the path, images of both sources would lie at the same place.
  const cleanup = { enabled: true, retention: `${retentionMs / 1_000}s` };
  const specOf = (source: SoakRegistry | undefined, path: string, to: readonly SoakRegistry[]) => ({
    imageFilter: { include: [`${source?.front.host}/.+`] },
    cleanup,
    mirrors: to.map(({ front }) => ({ registry: front.host, path })),
  });
  const create = async (path: string, kind: string, spec: object): Promise<void> => {
    await admin.create(path.replace(/\/soak$/, ''), {
      ...{ apiVersion: 'kuik.enix.io/v1alpha1', kind },
      ...{ metadata: { name: 'soak' }, spec },
    });
  };
  const cluster = { ...specOf(sources[0], '/cluster', targets) };
  await create(resourcePaths.cluster, 'ClusterImageSetMirror', cluster);
  for (const [index, namespace] of namespaces.entries()) {
    const spec = specOf(sources[1], `/own-${index}`, targets.slice(0, 1));
    await create(resourcePaths.namespaced(namespace), 'ImageSetMirror', spec);
  }
}
