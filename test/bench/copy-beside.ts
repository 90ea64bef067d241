import { existsSync } from 'node:fs';
import { loadavg } from 'node:os';
import { setTimeout as delay } from 'node:timers/promises';
import { createNamespace } from '#test/support/api-server/namespace.ts';
import { untilReady } from '#test/support/time/eventually.ts';
import { type BenchStage, setBenchStage } from './admission-stage.ts';
import { hundredths, mebibyte, type Row } from './copy-rows.ts';
import { type CopyStage, pushImages, setCopyStage, takeCounts } from './copy-stage.ts';
import { coreCount } from './cores.ts';
import { copyWithCrane } from './crane.ts';
import { type LoopDelay, scrapeLoopDelay } from './event-loop.ts';
import { startIdleLoop } from './idle-loop.ts';
import { sendReviews } from './load-client.ts';
import type { LoadOutcome } from './review-load.ts';
import { milliseconds, table } from './table.ts';

/** Odd, so that one of them is in the middle. */
const rounds = 3;
const pacePerSecond = 100;
const warmUpReviews = 2_000;
/** `mirroring.concurrency` unless told; as many processes of crane. */
const atOnce = 2;
/** Above idle, while a copy runs. */
const loopMsMax = 20;
const timesCrane = 1.5;
const collection = '/apis/kuik.enix.io/v1alpha1/clusterimagesetmirrors';

/** Issue 12's bar: what reviews and the event loop notice of a copy at full speed in the same process. */
export async function run({ quick }: { readonly quick: boolean }): Promise<void> {
  // What a disk does in the background would be measured along.
  if (existsSync('/dev/shm')) process.env['TMPDIR'] ??= '/dev/shm';
  const copies = await setCopyStage();
  const shape = { images: quick ? 3 : 6, layers: 8, layerBytes: 64 * mebibyte };
  const images = await pushImages(copies, 'beside', shape);
  const { authorityFile, source } = copies;
  const certificate = { ...(await copies.authority.issue()), authorityPem: copies.authority.pem };
  const directory = { path: '', remove: () => {} };
  const stage = await setBenchStage({
    ...{ tls: { certificate, authorityFile, directory }, resources: [], onAnyCore: true },
  });
  try {
    const namespace = await createNamespace(stage.admin, 'beside');
    for (const [index, image] of images.entries()) {
      await stage.admin.create(`/api/v1/namespaces/${namespace}/pods`, {
        ...{ apiVersion: 'v1', kind: 'Pod', metadata: { name: `app-${index}` } },
        spec: { containers: [{ name: 'app', image: `${source.host}/${image}` }] },
      });
    }
    const bench = { stage, copies, images, namespace, durationMs: quick ? 2_000 : 5_000 };
    await review(bench, { warmUp: warmUpReviews, durationMs: 1_000 });
    const turns = await byTurns(bench);
    console.log(
      `Reviews, ${pacePerSecond} a second, in the middle round of ${rounds}; load of the machine ` +
        `at the end: ${loadavg()[0]?.toFixed(1)} on ${coreCount} cores.`,
    );
    const columns = [
      'meanwhile',
      'p50 ms',
      'p99 ms',
      'max ms',
      'loop p99 ms',
      'beside idle process',
    ];
    console.log(table([...columns, 'MB/s copied', 'bar', ''], tellTurns(turns)));
  } finally {
    await stage.close();
    await copies.close();
  }
}

interface Bench {
  readonly stage: BenchStage;
  readonly copies: CopyStage;
  readonly images: readonly string[];
  readonly namespace: string;
  readonly durationMs: number;
}

interface Figures {
  readonly reviews: LoadOutcome;
  readonly loop: LoopDelay;
  /** Of a process that does nothing. */
  readonly idle: LoopDelay;
  readonly megabytesPerSecond: number;
}

type Turns = Readonly<Record<'nothing' | 'crane' | 'ours', readonly Figures[]>>;

/** By turns, so that whatever the machine does meanwhile is done to all of them. */
async function byTurns(bench: Bench): Promise<Turns> {
  const turns = { nothing: [] as Figures[], crane: [] as Figures[], ours: [] as Figures[] };
  for (let round = 0; round < rounds; round += 1) {
    turns.nothing.push(await measure(bench, async () => async () => {}));
    turns.crane.push(await measure(bench, () => copyByCrane(bench, round)));
    turns.ours.push(await measure(bench, () => copyByOperator(bench, round)));
  }
  return turns;
}

/** Begins to copy, measures while that goes on, and ends it. */
async function measure(bench: Bench, begin: () => Promise<() => Promise<void>>): Promise<Figures> {
  const { stage, copies, durationMs } = bench;
  const end = await begin();
  const idle = startIdleLoop();
  await takeCounts(copies.source);
  await scrapeLoopDelay(stage.operator.metricsUrl);
  const reviews = await review(bench, { warmUp: 16, durationMs });
  const loop = await scrapeLoopDelay(stage.operator.metricsUrl);
  const { blobBytes } = await takeCounts(copies.source);
  const held = await idle.stop();
  await end();
  const megabytesPerSecond = blobBytes / 1e6 / (durationMs / 1_000);
  return { reviews, loop, idle: held, megabytesPerSecond };
}

async function review(
  { stage }: Pick<Bench, 'stage'>,
  { warmUp, durationMs }: { readonly warmUp: number; readonly durationMs: number },
): Promise<LoadOutcome> {
  const image = 'registry.example.com/undeclared/app:1';
  const { operator, authorityPem } = stage;
  return await sendReviews({
    ...{ url: operator.webhookUrl, authorityPem, perSecond: pacePerSecond, durationMs, warmUp },
    ...{ warmUpImage: image, images: [image], namespace: 'default' },
    ...{ connections: 16, slowMs: 900 },
  });
}

/** How long after the first byte the copying is at full speed. */
const speedUpMs = 500;

async function copyByCrane(bench: Bench, round: number): Promise<() => Promise<void>> {
  const { copies, images } = bench;
  const pairs = images.map((image) => ({
    source: `${copies.source.host}/${image}`,
    target: `${copies.target.host}/crane-${round}/${image}`,
  }));
  const { authorityFile } = copies;
  const copied = copyWithCrane(pairs, { authorityFile, atOnce });
  await delay(speedUpMs);
  return async () => void (await copied);
}

async function copyByOperator(bench: Bench, round: number): Promise<() => Promise<void>> {
  const { stage, copies, namespace } = bench;
  const name = `ours-${round}`;
  await stage.admin.create(collection, {
    apiVersion: 'kuik.enix.io/v1alpha1',
    kind: 'ClusterImageSetMirror',
    metadata: { name },
    spec: {
      imageFilter: { include: ['.+'] },
      namespaceFilter: { include: [namespace] },
      mirrors: [{ registry: copies.target.host, path: `/${name}` }],
    },
  });
  await untilReady('a copy runs', async () => (await takeCounts(copies.source)).blobBytes > 0, {
    ...{ withinMs: 30_000, everyMs: 50 },
  });
  await delay(speedUpMs);
  // What still runs is called off.
  return async () => {
    await stage.admin.remove(`${collection}/${name}`);
    await delay(1_000);
  };
}

/** The round with the middle p99. */
function middleOf(figures: readonly Figures[]): Figures {
  const sorted = figures.toSorted((one, other) => one.reviews.p99Ms - other.reviews.p99Ms);
  const middle = sorted[(sorted.length - 1) / 2];
  if (middle === undefined) throw new Error('Expected an odd number of rounds.');
  return middle;
}

/** What the event loop is held up beyond what the machine does to all, the middle of the rounds. */
function aboveIdle(figures: readonly Figures[]): number {
  const above = figures.map(({ loop, idle }) => loop.p99Ms - idle.p99Ms);
  return above.toSorted((one, other) => one - other)[(above.length - 1) / 2] ?? Number.NaN;
}

function tellTurns({ nothing, crane, ours }: Turns): readonly Row[] {
  const [theirs, own] = [middleOf(crane).reviews.p99Ms, middleOf(ours).reviews.p99Ms];
  const [beside, above] = [aboveIdle(crane), aboveIdle(ours)];
  const text =
    `loop p99 ${above.toFixed(1)} ms over idle (an idle operator beside crane: ` +
    `${beside.toFixed(1)}), < ${loopMsMax} ms`;
  return [
    cells('nothing', middleOf(nothing)),
    cells('crane copy beside an idle operator', middleOf(crane)),
    cells('the operator copies', middleOf(ours)),
    verdict(
      `p99 ${hundredths(own, theirs)} of crane's, <= ${timesCrane}x`,
      own <= theirs * timesCrane,
    ),
    verdict(text, above < loopMsMax),
  ];
}

function verdict(text: string, isMet: boolean): Row {
  return ['', '', '', '', '', '', '', text, isMet ? 'met' : 'MISSED'];
}

function cells(what: string, { reviews, loop, idle, megabytesPerSecond }: Figures): Row {
  const failed = reviews.failed > 0 ? `FAILED: ${reviews.failed} reviews were not answered` : '';
  return [
    what,
    ...[reviews.p50Ms, reviews.p99Ms, reviews.maxMs, loop.p99Ms, idle.p99Ms].map(milliseconds),
    megabytesPerSecond.toFixed(0),
    failed,
    '',
  ];
}
