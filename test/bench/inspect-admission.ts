import { residentBytes } from '#test/support/processes/heap.ts';
import {
  benchResources,
  healthyImages,
  reviewNamespace,
  undeclaredImage,
} from './admission-resources.ts';
import { makeBenchTls, setBenchStage, startAdmissionRegistries } from './admission-stage.ts';
import { startLooking } from './looking-people.ts';
import { type Figures, type Measured, measure } from './measure.ts';
import { milliseconds, percentile, ratio, table } from './table.ts';

/** Odd; with people who look, and without, by turns. */
const pairs = 7;
const pacePerSecond = 200;
const connections = 64;
const slowMs = 900;
const people = 10;
/** What people who look may cost of the time of a review. */
const ratioMax = 1.5;

/** Admission while ten people watch everything and ten search all actors, beside admission alone. */
export async function run({ quick }: { readonly quick: boolean }): Promise<void> {
  const tls = await makeBenchTls();
  const registries = await startAdmissionRegistries(tls);
  const stage = await setBenchStage({ tls, resources: benchResources(registries.hosts) });
  const { webhookUrl, debugUrl, pid } = stage.operator;
  const measured = { url: webhookUrl, pid, authorityPem: stage.authorityPem, registries };
  const load = async (name: string, warmUp = 16) =>
    await reviews(measured, { name, warmUp, durationMs: quick ? 1_000 : 4_000 });
  try {
    await load('warm-up', 3_000);
    const [alone, looked]: [Figures[], Figures[]] = [[], []];
    const residentMb: number[] = [];
    let frames = 0;
    for (let pair = 0; pair < pairs; pair += 1) {
      alone.push(await load(`alone-${pair}`));
      const looking = await startLooking({
        viewers: Array(people).fill(`${debugUrl.replace(/^http/, 'ws')}/debug/inspect?actor=kuik`),
        ...{ searchUrl: `${debugUrl}/debug/actors`, searchers: people },
      });
      looked.push(await load(`looked-${pair}`));
      frames += await looking.stop();
      residentMb.push(residentBytes(pid) / 2 ** 20);
    }
    print({ alone, looked, residentMb, frames });
  } finally {
    await stage.close();
    await registries.close();
  }
}

interface Load {
  readonly name: string;
  readonly warmUp: number;
  readonly durationMs: number;
}

async function reviews(measured: Measured, { name, warmUp, durationMs }: Load): Promise<Figures> {
  const { hosts } = measured.registries;
  return await measure(measured, {
    ...{ images: healthyImages(hosts, `${name}-{n}`), slowMs, connections, warmUp },
    ...{ warmUpImage: undeclaredImage(hosts, '1'), perSecond: pacePerSecond, durationMs },
    namespace: reviewNamespace,
  });
}

interface Outcome {
  readonly alone: readonly Figures[];
  readonly looked: readonly Figures[];
  readonly residentMb: readonly number[];
  readonly frames: number;
}

function print({ alone, looked, residentMb, frames }: Outcome): void {
  const ratios = looked.map(({ p99Ms }, index) => p99Ms / (alone[index]?.p99Ms ?? Number.NaN));
  const beside = median(ratios);
  const failed = [...alone, ...looked].reduce((sum, one) => sum + one.failed, 0);
  const row = (what: string, all: readonly Figures[], ...more: string[]) => [
    what,
    milliseconds(median(all.map(({ p50Ms }) => p50Ms))),
    milliseconds(median(all.map(({ p99Ms }) => p99Ms))),
    median(all.map(({ cpuUs }) => cpuUs)).toFixed(0),
    ...more,
  ];
  const bar = `${beside <= ratioMax && failed === 0 ? 'met' : 'MISSED'}: p99 within ${ratioMax}x`;
  const rows = [row('alone', alone), row('ten watch, ten search', looked, ratio(beside, 1), bar)];
  console.log(
    `${table([`${pacePerSecond} reviews a second`, 'p50 ms', 'p99 ms', 'CPU us', 'beside', 'bar'], rows)}\n` +
      `"beside" is the median of ${pairs} pairs. ${frames} frames were seen, ${failed} reviews failed;\n` +
      `resident after each pair: ${residentMb.map((mb) => mb.toFixed(0)).join(', ')} MB.`,
  );
}

function median(values: readonly number[]): number {
  return percentile(
    values.toSorted((left, right) => left - right),
    0.5,
  );
}
