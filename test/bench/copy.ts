import { existsSync } from 'node:fs';
import type { CopyFigures, CopyPair, CopyReport } from './copy-process.ts';
import { barred, hundredths, mebibyte, mebibytes, type Row, seconds } from './copy-rows.ts';
import {
  type CopyStage,
  type Counts,
  type ImageShape,
  pushImages,
  setCopyStage,
  takeCounts,
} from './copy-stage.ts';
import { copyWithCrane } from './crane.ts';
import type { LoopDelay } from './event-loop.ts';
import { startIdleLoop } from './idle-loop.ts';
import { type OurCopies, startOurCopies } from './our-copies.ts';
import { measureResumed } from './resumed-copy.ts';
import { table } from './table.ts';

/** What `crane copy` does by itself with the layers of one image; it is given as many images. */
const craneAtOnce = 4;
/** `mirroring.concurrency` unless told. */
const oursAtOnce = 2;

/** Issue 12's bars on the copier: registry to registry over TLS, beside `crane copy`, by turns. */
export async function run(options: BenchOptions): Promise<void> {
  // What a disk does in the background would be measured along; 4 GiB twice may not fit in memory.
  if (!options.full && existsSync('/dev/shm')) process.env['TMPDIR'] ??= '/dev/shm';
  const rows: Row[] = [];
  await withStage(0, async (stage) => {
    rows.push(...(await measureLarge(stage, options)));
    if (options.full) rows.push(...(await measureHuge(stage)));
    rows.push(...(await measureMany(stage, 'with nothing added', options)));
    rows.push(await measureResumed(stage, options.quick ? 64 * mebibyte : 512 * mebibyte));
  });
  await withStage(20, async (stage) => {
    rows.push(...(await measureMany(stage, '20 ms added to each request', options)));
  });
  console.log(table(['copying', 'crane', 'ours', 'beside', 'bar', ''], rows));
}

interface BenchOptions {
  readonly quick: boolean;
  readonly full: boolean;
}

async function withStage(delayMs: number, use: (stage: CopyStage) => Promise<void>): Promise<void> {
  const stage = await setCopyStage(delayMs);
  try {
    await use(stage);
  } finally {
    await stage.close();
  }
}

/** One image of large layers: time, CPU, memory, requests. */
async function measureLarge(stage: CopyStage, { quick }: BenchOptions): Promise<readonly Row[]> {
  const shape = { images: 1, layers: 8, layerBytes: (quick ? 8 : 64) * mebibyte };
  const images = await pushImages(stage, 'large', shape);
  const ours = await startOurCopies(stage.authorityFile, [stage.source.host, stage.target.host]);
  try {
    await takeCounts(stage.target);
    const cold = await ours.copy({ pairs: pairsOf(stage, images, 'cold'), atOnce: oursAtOnce });
    const missing = await takeCounts(stage.target);
    await ours.copy({ pairs: pairsOf(stage, images, 'cold'), atOnce: oursAtOnce });
    const present = await takeCounts(stage.target);
    const turns = await byTurns({ stage, ours, images, turns: quick ? 1 : 5, atOnce: 1 });
    const idle = startIdleLoop();
    const looped = await ours.copy({ pairs: pairsOf(stage, images, 'looped'), atOnce: 1 });
    const beside = await idle.stop();
    const what = `one image, ${(shape.layers * shape.layerBytes) / mebibyte} MiB in ${shape.layers} layers`;
    return [
      ...tellTurns(what, turns, 1.3),
      ['  the first copy of a process', '', seconds(cold.ms), '', '', ''],
      tellMemory('  memory above idle', turns.crane, [cold, ...turns.ours]),
      tellLoop(looped, beside),
      ...tellRequests(shape, missing, present),
    ];
  } finally {
    await ours.stop();
  }
}

/** Eight times as large: memory must not be. */
async function measureHuge(stage: CopyStage): Promise<readonly Row[]> {
  const shape = { images: 1, layers: 8, layerBytes: 512 * mebibyte };
  const images = await pushImages(stage, 'huge', shape);
  const ours = await startOurCopies(stage.authorityFile, [stage.source.host, stage.target.host]);
  try {
    const turns = await byTurns({ stage, ours, images, turns: 1, atOnce: 1 });
    return [
      ...tellTurns('one image, 4 GiB in 8 layers', turns, 1.3),
      tellMemory('  memory above idle', turns.crane, turns.ours),
    ];
  } finally {
    await ours.stop();
  }
}

/** Many small images, each with three layers. */
async function measureMany(
  stage: CopyStage,
  how: string,
  { quick }: BenchOptions,
): Promise<readonly Row[]> {
  const shape = { images: quick ? 10 : 40, layers: 3, layerBytes: 4 * mebibyte };
  const images = await pushImages(stage, 'many', shape);
  const ours = await startOurCopies(stage.authorityFile, [stage.source.host, stage.target.host]);
  try {
    const turns = await byTurns({ stage, ours, images, turns: quick ? 1 : 3, atOnce: craneAtOnce });
    return tellTurns(`images, ${shape.images} × 12 MiB, ${how}`, turns, 1);
  } finally {
    await ours.stop();
  }
}

interface Turns {
  readonly crane: readonly CopyFigures[];
  readonly ours: readonly CopyReport[];
}

/** Each turn both copy the same images, each to a place of its own. */
async function byTurns(means: {
  readonly stage: CopyStage;
  readonly ours: OurCopies;
  readonly images: readonly string[];
  readonly turns: number;
  /** Processes of crane. */
  readonly atOnce: number;
}): Promise<Turns> {
  const { stage, ours, images, turns, atOnce } = means;
  const { authorityFile } = stage;
  const figures = { crane: [] as CopyFigures[], ours: [] as CopyReport[] };
  for (let turn = 0; turn < turns; turn += 1) {
    const craneTo = pairsOf(stage, images, `crane-${turn}`);
    figures.crane.push(await copyWithCrane(craneTo, { authorityFile, atOnce }));
    const pairs = pairsOf(stage, images, `ours-${turn}`);
    figures.ours.push(await ours.copy({ pairs, atOnce: oursAtOnce }));
  }
  return figures;
}

function pairsOf(stage: CopyStage, images: readonly string[], place: string): readonly CopyPair[] {
  return images.map((image) => ({
    source: `${stage.source.host}/${image}`,
    target: `${stage.target.host}/${place}/${image}`,
  }));
}

function tellTurns(what: string, { crane, ours }: Turns, timesCrane: number): readonly Row[] {
  const [craneMs, oursMs] = [median(crane, 'ms'), median(ours, 'ms')];
  const [craneUs, oursUs] = [median(crane, 'cpuUs'), median(ours, 'cpuUs')];
  return [
    barred([what, seconds(craneMs), seconds(oursMs), hundredths(oursMs, craneMs)], {
      ...{ text: `<= ${timesCrane}x`, met: oursMs <= craneMs * timesCrane },
    }),
    [
      '  CPU of who copies',
      seconds(craneUs / 1_000),
      seconds(oursUs / 1_000),
      ...[hundredths(oursUs, craneUs), '', ''],
    ],
  ];
}

function tellMemory(what: string, crane: readonly CopyFigures[], ours: readonly CopyReport[]): Row {
  const [first] = ours;
  const idle = first?.idleBytes ?? 0;
  const most = Math.max(...ours.map(({ rssBytes }) => rssBytes)) - idle;
  const cranes = Math.max(...crane.map(({ rssBytes }) => rssBytes));
  return barred([what, `${mebibytes(cranes)} in all`, mebibytes(most), ''], {
    ...{ text: '<= 64 MiB', met: most <= 64 * mebibyte },
  });
}

/** The bar on the leader, on the thread that answers reviews: what copying adds. */
function tellLoop({ loop }: CopyReport, idle: LoopDelay): Row {
  const added = Math.max(0, loop.p99Ms - idle.p99Ms);
  const cells = ['  event-loop delay p99, over an idle process', '', `${added.toFixed(1)} ms`, ''];
  return barred(cells, { text: '< 20 ms', met: added < 20 });
}

function tellRequests({ layers }: ImageShape, missing: Counts, present: Counts): readonly Row[] {
  const blobs = layers + 1;
  const aBlob = sum(missing, /blob|upload/) / blobs;
  const there = sum(present, /./);
  return [
    barred(['  requests at the target, a missing blob', '', aBlob.toFixed(2), ''], {
      ...{ text: '<= 2', met: aBlob <= 2 },
    }),
    barred(['  requests at the target, an image that is there', '', String(there), ''], {
      ...{ text: '1', met: there === 1 },
    }),
  ];
}

function sum({ requests }: Counts, kind: RegExp): number {
  return Object.entries(requests)
    .filter(([key]) => kind.test(key))
    .reduce((total, [, count]) => total + count, 0);
}

function median<Key extends string>(
  figures: readonly Readonly<Record<Key, number>>[],
  key: Key,
): number {
  const sorted = figures.map((one) => one[key]).sort((one, other) => one - other);
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
}
