import { setTimeout as delay } from 'node:timers/promises';
import { deleteManifest } from '#test/support/registries/images.ts';
import { pullImage, tagsOf } from '#test/support/registries/pulled-image.ts';
import { imageAt, type MirroringStage, pushVersion, type SoakRegistry } from './mirroring-stage.ts';

/** What was done to the cluster and its registries so far. */
export interface ChurnCounts {
  podsCreated: number;
  podsDeleted: number;
  podsRefused: number;
  outages: number;
  restarts: number;
  versions: number;
  copiesStolen: number;
}

/** Pods that are alive at most. */
const podsMax = 60;
const podEveryMs = 300;
const outageEveryMs = 40_000;
const outageMs = 8_000;
const restartEveryMs = 75_000;
const versionEveryMs = 20_000;
const theftEveryMs = 15_000;

/** Changes everything now and then until it is told to stop. */
export function startChurn(stage: MirroringStage) {
  const counts: ChurnCounts = {
    ...{ podsCreated: 0, podsDeleted: 0, podsRefused: 0 },
    ...{ outages: 0, restarts: 0, versions: 0, copiesStolen: 0 },
  };
  const stopping = new AbortController();
  const { signal } = stopping;
  const repeat = async (everyMs: number, work: () => Promise<void>): Promise<void> => {
    while (!signal.aborted) {
      await delay(everyMs * (0.5 + stage.random()), undefined, { signal }).catch(() => undefined);
      if (signal.aborted) return;
      await work().catch((error: unknown) => {
        if (stage.isDisturbed?.() !== true) throw error;
      });
    }
  };
  const pods: PodName[] = [];
  const working = [
    repeat(podEveryMs, async () => await changePods(stage, pods, counts)),
    repeat(outageEveryMs, async () => await breakRegistry(stage, counts)),
    repeat(restartEveryMs, async () => {
      await stage.restart(stage.random() < 0.5 ? 'SIGTERM' : 'SIGKILL');
      counts.restarts += 1;
    }),
    repeat(versionEveryMs, async () => {
      const source = pick(stage, stage.sources);
      await pushVersion(source, Math.floor(stage.random() * 5), stage.random);
      counts.versions += 1;
    }),
    repeat(theftEveryMs, async () => await stealCopy(stage, counts)),
  ];
  return {
    counts,
    pods: (): readonly PodName[] => pods,
    stop: async (): Promise<void> => {
      stopping.abort();
      await Promise.all(working);
    },
  };
}

/** One Pod, with what it was created with. */
export interface PodName {
  readonly namespace: string;
  readonly name: string;
}

async function changePods(
  stage: MirroringStage,
  pods: PodName[],
  counts: ChurnCounts,
): Promise<void> {
  const { admin } = stage.plane;
  if (pods.length > 0 && stage.random() < pods.length / podsMax / 1.2) {
    const [gone] = pods.splice(Math.floor(stage.random() * pods.length), 1);
    if (gone !== undefined) await removePod(stage, gone);
    counts.podsDeleted += 1;
    return;
  }
  const namespace = pick(stage, stage.namespaces);
  const name = `app-${counts.podsCreated}`;
  const images = stage.random() < 0.3 ? [imageAt(stage), imageAt(stage)] : [imageAt(stage)];
  const { status } = await admin.call('POST', `/api/v1/namespaces/${namespace}/pods`, {
    body: {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name },
      spec: { containers: images.map((image, index) => ({ name: `c${index}`, image })) },
    },
  });
  counts.podsCreated += 1;
  if (status === 201) pods.push({ namespace, name });
  else counts.podsRefused += 1;
}

/** Deletes a Pod at once, as nobody runs it. */
export async function removePod(
  { plane: { admin } }: MirroringStage,
  { namespace, name }: PodName,
): Promise<void> {
  const query = { gracePeriodSeconds: '0' };
  await admin.call('DELETE', `/api/v1/namespaces/${namespace}/pods/${name}`, { query });
}

/** Any of them, for a while: connections refused, or taken and never answered. */
async function breakRegistry(stage: MirroringStage, counts: ChurnCounts): Promise<void> {
  const { front } = pick(stage, [...stage.sources, ...stage.targets]);
  counts.outages += 1;
  if (stage.random() < 0.5) {
    await front.refuse();
    await delay(outageMs);
    await front.accept();
  } else {
    front.setRules({ fault: { kind: 'hang' } });
    await delay(outageMs);
    stage.behave(false);
  }
}

/** Somebody else deletes a copy behind the operator's back. */
async function stealCopy(stage: MirroringStage, counts: ChurnCounts): Promise<void> {
  const { real } = pick<SoakRegistry>(stage, stage.targets);
  const repository = `cluster/team-${Math.floor(stage.random() * 5)}`;
  for (let index = 0; index < 60; index += 1) {
    const path = `${repository}/app-${index}`;
    const [tag] = await tagsOf(real, path);
    const pulled = tag === undefined ? undefined : await pullImage(real, path, tag);
    if (pulled === undefined) continue;
    await deleteManifest(real, path, pulled.digest).catch(() => undefined);
    counts.copiesStolen += 1;
    return;
  }
}

function pick<Item>({ random }: MirroringStage, items: readonly Item[]): Item {
  const item = items[Math.floor(random() * items.length)];
  if (item === undefined) throw new Error('Expected something to choose from.');
  return item;
}
