import {
  type StatusWrite,
  type StatusWrites,
  watchStatusWrites,
} from '#test/support/monitoring/status-writes.ts';
import { untilReady } from '#test/support/time/eventually.ts';
import { writeAllFailed } from './all-failed.ts';
import { type LoopDelay, scrapeLoopDelay } from './event-loop.ts';
import { barred, megabyte, type Row, tellLargest, tellResident, told } from './figure-rows.ts';
import { type MonitoringStage, setMonitoringStage } from './monitoring-stage.ts';
import { churnPods, tellChurn, tellDelays } from './pod-churn.ts';
import { table } from './table.ts';

/** A watch tells of a write a little late, and not of each as late as of the one before. */
const watchJitterMs = 100;
/** The longest that anything here takes on two busy cores. */
const withinMs = 60_000;

const resource = 'everything';

/** Issue 6's bars on a real API server: 20,000 images of 10,000 Pods, by one resource. */
export async function run({ quick }: { readonly quick: boolean }): Promise<void> {
  const pods = quick ? 1_000 : 10_000;
  const startedMs = performance.now();
  const stage = await setMonitoringStage({ pods });
  const seconds = ((performance.now() - startedMs) / 1_000).toFixed(0);
  console.log(`${pods} Pods with ${2 * pods} images are there after ${seconds} s.`);
  const writes = await watchStatusWrites(stage.plane.adminKubeconfig, resource);
  try {
    const take = () => scrapeLoopDelay(stage.operator().metricsUrl);
    const means: Means = { stage, writes, take, images: 2 * pods };
    const built = await build(means);
    const churned = tellChurn(await churnPods(means, quick ? 10_000 : 30_000));
    const memory = await measureMemory(means);
    const handed = await handOver(means);
    const written = tellWrites(writes.all());
    const failed = await failAll(means, quick ? 10_000 : 20_000);
    const other = await measureWithKubeconfig(means);
    const rows = [...built, ...churned, ...memory, ...handed, ...written, ...failed, ...other];
    console.log(table([`${2 * pods} images`, 'measured', 'bar', ''], rows));
  } finally {
    await writes.close();
    await stage.close();
  }
}

interface Means {
  readonly stage: MonitoringStage;
  readonly writes: StatusWrites;
  readonly take: () => Promise<LoopDelay>;
  readonly images: number;
}

/** The resource is there before the Lease is won: nothing is known of any image. */
async function build({ stage, writes, take, images }: Means): Promise<readonly Row[]> {
  await stage.depose(5);
  await stage.declare(resource);
  await take();
  const ledMs = await stage.leads();
  await untilReady('a check is sent', () => stage.requests() > 0, { withinMs, everyMs: 10 });
  const checkedMs = Date.now();
  const { maxMs } = await take();
  const whole = await untilReady(
    'the status counts all images',
    () => writes.all().find(({ status }) => status.imageCount === images),
    { withinMs },
  );
  const written = await take();
  return [
    told('built from nothing, Lease to first check', `${checkedMs - ledMs} ms`),
    told('  longest turn', `${maxMs.toFixed(0)} ms`),
    told('  Lease to a status that counts all', `${whole.atMs - ledMs} ms`),
    told('  longest turn while it is written', `${written.maxMs.toFixed(0)} ms`),
  ];
}

async function measureMemory({ stage }: Means): Promise<readonly Row[]> {
  const resident = tellResident(stage.operator().pid, 480);
  const inspector = await stage.inspect();
  await inspector.collectGarbage();
  const heap = (await inspector.heapBytes()) / megabyte;
  inspector.close();
  return [
    told('the operator has', stage.isInPod ? 'a service account' : 'a kubeconfig'),
    barred('heap after GC', `${heap.toFixed(0)} MB`, { text: '< 200 MB', met: heap < 200 }),
    ...resident,
  ];
}

/** All is torn down when another takes the Lease, and restored from what was written. */
async function handOver({ stage, take }: Means): Promise<readonly Row[]> {
  await take();
  await stage.depose(5);
  const down = await take();
  const ledMs = await stage.leads();
  const requests = stage.requests();
  await untilReady('checks go on', () => stage.requests() > requests, { withinMs, everyMs: 10 });
  const tookMs = Date.now() - ledMs;
  const up = await take();
  return [
    told('torn down, longest turn', `${down.maxMs.toFixed(0)} ms`),
    told('restored, Lease to next check', `${tookMs} ms`),
    told('  longest turn', `${up.maxMs.toFixed(0)} ms`),
    ...tellResident(stage.operator().pid, 480).slice(1),
  ];
}

/** The dearest state: nothing can be pulled any more, and the status says of all images why. */
async function failAll(
  { stage, writes, take, images }: Means,
  forMs: number,
): Promise<readonly Row[]> {
  const { namespace } = stage.operator();
  await stage.depose(20);
  await writeAllFailed(stage.admin, { resource: stage.pathOf(resource), namespace });
  const before = writes.all().length;
  await take();
  await stage.leads();
  await untilReady(
    'the status says that nearly all are missing',
    () =>
      writes
        .all()
        .slice(before)
        .find((write) => (write.status.missingCount ?? 0) > images / 2),
    { withinMs },
  );
  const { maxMs } = await take();
  const { own, idle } = await churnPods({ stage, take }, forMs);
  return [
    told('all failed: restored and written, longest turn', `${maxMs.toFixed(0)} ms`),
    ...tellDelays(own, idle),
    tellLargest(writes.all().slice(before)),
    ...tellResident(stage.operator().pid, 480),
  ];
}

/** As who develops runs it: the library that reads kubeconfigs stays in memory. */
async function measureWithKubeconfig({ stage, take }: Means): Promise<readonly Row[]> {
  if (!stage.isInPod) return [];
  await stage.startWithKubeconfig();
  const requests = stage.requests();
  await untilReady('checks go on', () => stage.requests() > requests, { withinMs });
  await churnPods({ stage, take }, 10_000);
  return [
    told('started with a kubeconfig, built, churned', ''),
    ...tellResident(stage.operator().pid, 480),
  ];
}

/** Behaviour §6: no more often than every max(1 s, 10 ms × entries listed). */
function tellWrites(writes: readonly StatusWrite[]): readonly Row[] {
  const spare = writes.slice(1).map((write, index) => {
    const before = writes[index];
    const listed = before?.status.images?.length ?? 0;
    return write.atMs - (before?.atMs ?? 0) - Math.max(1_000, 10 * listed);
  });
  const least = Math.min(...spare);
  return [
    tellLargest(writes),
    barred(`${writes.length} status writes, least time beyond the pace`, `${least} ms`, {
      ...{ text: '>= 0 ms', met: least >= -watchJitterMs },
    }),
  ];
}
