import { setTimeout as delay } from 'node:timers/promises';
import { type OperatorProcess, startOperator } from '#test/support/operator/operator-process.ts';
import { freePorts } from '#test/support/processes/child-process.ts';
import { memoryAfterGarbageCollection } from '#test/support/processes/heap.ts';
import { connectedTo } from '#test/support/processes/process-use.ts';
import {
  type MirroringStage,
  setMirroringStage,
  soakFlags,
  troublesIn,
} from './mirroring-stage.ts';

/** What one operator that lives through everything uses. */
export interface OperatorUse {
  readonly heapBytes: number;
  readonly rssBytes: number;
  readonly sockets: number;
}

/** The stage of mirroring, with checks and routing too, and one operator that is never restarted. */
export interface OperatorStage extends MirroringStage {
  readonly use: () => Promise<OperatorUse>;
  /** What its sockets lead to now. */
  readonly sockets: () => readonly string[];
  /** The API server is gone for a moment, and back. */
  readonly restartApiServer: () => Promise<void>;
}

const kuik = '/apis/kuik.enix.io/v1alpha1';
/** What was sent while the API server went may be answered, or fail, so much later. */
const disturbedAfterMs = 3_000;

/** Starts all of it; its second replica is the one that is killed and replaced. */
export async function setOperatorStage(seed: number): Promise<OperatorStage> {
  const [inspectPort = 0] = await freePorts(1);
  const env = { NODE_OPTIONS: `--inspect=127.0.0.1:${inspectPort}` };
  const base = await setMirroringStage(seed, { env });
  const steady = base.operator();
  const { admin, adminKubeconfig } = base.plane;
  await declare(base);
  const start = () => startOperator({ adminKubeconfig, flags: soakFlags, replicaOf: steady });
  let other: OperatorProcess = await start();
  let disturbed = false;
  const ended: string[] = [];
  let busy: Promise<void> = Promise.resolve();
  /** No replica starts while the API server is gone. */
  const alone = (work: () => Promise<void>): Promise<void> => {
    busy = busy.then(work);
    return busy;
  };
  return {
    ...base,
    isDisturbed: () => disturbed,
    troubles: () => [...ended, ...base.troubles(), ...troublesIn(other.logs())],
    restart: (how) =>
      alone(async () => {
        ended.push(...troublesIn(other.logs()));
        await (how === 'SIGTERM' ? other.stop() : other.kill());
        other = await start();
      }),
    restartApiServer: () =>
      alone(async () => {
        disturbed = true;
        await base.plane.restartApiServer();
        await delay(disturbedAfterMs);
        disturbed = false;
      }),
    sockets: () => connectedTo(steady.pid),
    use: async () => {
      const { heapBytes, rssBytes } = await memoryAfterGarbageCollection(steady.pid, inspectPort);
      return { heapBytes, rssBytes, sockets: connectedTo(steady.pid).length };
    },
    close: async () => {
      await other.stop();
      await admin.remove(`${kuik}/clusterimagesetavailabilities/soak`);
      await base.close();
    },
  };
}

/** Beside mirrors: all images are checked, and a source is preferred under another of its paths. */
async function declare({ plane: { admin }, sources }: MirroringStage): Promise<void> {
  const apiVersion = 'kuik.enix.io/v1alpha1';
  const metadata = { name: 'soak' };
  await admin.create(`${kuik}/clusterimagesetavailabilities`, {
    ...{ apiVersion, kind: 'ClusterImageSetAvailability', metadata },
    spec: { imageFilter: { include: ['.+'] }, unusedImageExpiry: '1m' },
  });
  await admin.create(`${kuik}/clusterreplicatedimagesets`, {
    ...{ apiVersion, kind: 'ClusterReplicatedImageSet', metadata },
    spec: {
      upstreams: sources.map(({ front }) => ({
        ...{ registry: front.host, path: '/team-0', imageFilter: { include: ['/.+'] } },
      })),
    },
  });
}
