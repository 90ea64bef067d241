import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { buildBundle } from '#scripts/build.ts';
import { type ControlPlane, startControlPlane } from '#test/support/api-server/control-plane.ts';
import { canBeInPod } from '#test/support/api-server/in-pod.ts';
import { createManyPods } from '#test/support/api-server/many-pods.ts';
import { createNamespace } from '#test/support/api-server/namespace.ts';
import { type OperatorProcess, startOperator } from '#test/support/operator/operator-process.ts';
import { entryPoint, shippedNodeFlags } from '#test/support/operator/shipped-node.ts';
import { openWebhook } from '#test/support/operator/webhook-client.ts';
import { temporaryDirectory } from '#test/support/processes/guardian.ts';
import { residentBytes } from '#test/support/processes/heap.ts';
import { type LightRegistry, startLightRegistry } from '#test/support/registries/light-registry.ts';
import { nextRegistryPort } from '#test/support/registries/registry-ports.ts';
import { clusterSet } from '#test/support/routing/resources.ts';
import { type BenchTls, makeBenchTls } from './admission-stage.ts';
import { cpuMicroseconds } from './cores.ts';
import { milliseconds, ratio, table } from './table.ts';

/** How long is measured. */
export interface StartOptions {
  readonly quick: boolean;
}

/** A cluster of some size: it costs what is kept of each Pod, and the first page of each list. */
const podsThere = 300;
const imagesThere = 100;
const resourcesThere = 5;
/** The bars of the shipped form; the first where `node -e 0` takes 50 ms. */
const firstAnswerBarRatio = 20;
const residentBarBytes = 120 * 1024 * 1024;
const cpuBarMs = 2;
const megabyte = 1024 * 1024;

/** From the start of the process to its first answer, and what it uses while nothing happens. */
export async function run({ quick }: StartOptions): Promise<void> {
  const directory = temporaryDirectory('bundle');
  await buildBundle(directory.path);
  const plane = await startControlPlane();
  const tls = await makeBenchTls();
  const live = await startLightRegistry(tls.certificate);
  const stage: Stage = { plane, tls, live, dead: `127.0.0.1:${nextRegistryPort()}`, quick };
  try {
    await fill(stage);
    const node = middleOf(Array.from({ length: 9 }, nodeAloneMs));
    const shipped = await measure(stage, join(directory.path, 'kuik.mjs'));
    const sources = await measure(stage, entryPoint);
    const rows = [
      ['node -e 0', milliseconds(node), '=', '', '', '', ''],
      cells('the shipped form', shipped, node),
      cells('the sources', sources, node),
    ];
    console.log(`${podsThere} Pods, ${resourcesThere} resources\n${table(columns, rows)}`);
    console.log(verdicts(shipped, node).join('\n'));
  } finally {
    await live.close();
    await plane.stop();
    tls.directory.remove();
    directory.remove();
  }
}

interface Stage {
  readonly plane: ControlPlane;
  readonly tls: BenchTls;
  readonly live: LightRegistry;
  readonly dead: string;
  readonly quick: boolean;
}

interface StartFigures {
  readonly readyMs: number;
  /** Ready, and a Pod whose original's registry is down routed elsewhere. */
  readonly firstAnswerMs: number;
  readonly residentBytes: number;
  /** Of the process, for each second in which nothing happens. */
  readonly idleCpuMs: number;
}

const columns = [
  ...['what', 'ready ms', 'beside', 'first answer ms', 'beside'],
  ...['idle MiB', 'idle CPU ms a second'],
];

function cells(what: string, figures: StartFigures, node: number): readonly string[] {
  return [
    ...[what, milliseconds(figures.readyMs), ratio(figures.readyMs, node)],
    ...[milliseconds(figures.firstAnswerMs), ratio(figures.firstAnswerMs, node)],
    (figures.residentBytes / megabyte).toFixed(0),
    figures.idleCpuMs.toFixed(2),
  ];
}

function verdicts(figures: StartFigures, node: number): readonly string[] {
  const bars = [
    ['first answer within 20 times node -e 0', figures.firstAnswerMs <= firstAnswerBarRatio * node],
    ['idle within 120 MiB', figures.residentBytes <= residentBarBytes],
    ['idle within 2 ms of CPU a second', figures.idleCpuMs <= cpuBarMs],
  ] as const;
  return bars.map(([bar, met]) => `${met ? 'met' : 'MISSED'}: ${bar}`);
}

async function fill({ plane, live, dead }: Stage): Promise<void> {
  const namespace = await createNamespace(plane.admin, 'start');
  await createManyPods(plane.admin, { namespace, pods: podsThere, images: imagesThere });
  const path = '/apis/kuik.enix.io/v1alpha1/clusterreplicatedimagesets';
  for (let index = 0; index < resourcesThere; index += 1) {
    const upstreams = [dead, live.host].map((registry) => ({
      ...{ registry, path: `/start-${index}` },
      imageFilter: { include: [`/start-${index}/.+`] },
    }));
    await plane.admin.create(path, clusterSet(`start-${index}`, { upstreams }));
  }
}

/** Several starts, each a fresh installation; what the last one uses once it is left alone. */
async function measure(stage: Stage, entry: string): Promise<StartFigures> {
  const ready: number[] = [];
  const answers: number[] = [];
  for (let left = stage.quick ? 1 : 5; ; left -= 1) {
    const operator = await start(stage, entry);
    try {
      ready.push(operator.readyAfterMs);
      answers.push(operator.readyAfterMs + (await firstReviewMs(stage, operator)));
      if (left > 1) continue;
      const idle = await measureIdle(operator.pid, stage);
      return { readyMs: middleOf(ready), firstAnswerMs: middleOf(answers), ...idle };
    } finally {
      await operator.stop();
    }
  }
}

async function start({ plane, tls }: Stage, entry: string): Promise<OperatorProcess> {
  return await startOperator({
    ...{ adminKubeconfig: plane.adminKubeconfig, entry, askEveryMs: 10 },
    // As in a Pod, whose service account takes no library to read.
    inPod: canBeInPod(),
    flags: ['--log-level=info'],
    env: { NODE_EXTRA_CA_CERTS: tls.authorityFile },
  });
}

async function firstReviewMs(
  { plane, dead, live }: Stage,
  operator: OperatorProcess,
): Promise<number> {
  const webhook = await openWebhook(plane.admin, operator);
  const startedMs = performance.now();
  const pod = { namespace: 'default', image: `${dead}/start-0/app:1` };
  const { image } = await webhook.review(pod);
  const tookMs = performance.now() - startedMs;
  await webhook.close();
  if (!image.startsWith(live.host)) throw new Error(`Expected a routed Pod, got ${image}.`);
  return tookMs;
}

/** What a start leaves behind is collected and closed by then. */
const restMs = 120_000;

async function measureIdle(
  pid: number,
  { quick }: Stage,
): Promise<Pick<StartFigures, 'idleCpuMs' | 'residentBytes'>> {
  await delay(quick ? 20_000 : restMs);
  const lookedAtMs = performance.now();
  const before = cpuMicroseconds(pid);
  await delay(quick ? 20_000 : 60_000);
  const usedMs = (cpuMicroseconds(pid) - before) / 1_000;
  const idleCpuMs = usedMs / ((performance.now() - lookedAtMs) / 1_000);
  return { idleCpuMs, residentBytes: residentBytes(pid) };
}

function nodeAloneMs(): number {
  const startedMs = performance.now();
  spawnSync(process.execPath, [...shippedNodeFlags(), '-e', '0']);
  return performance.now() - startedMs;
}

function middleOf(values: readonly number[]): number {
  const sorted = values.toSorted((left, right) => left - right);
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
}
