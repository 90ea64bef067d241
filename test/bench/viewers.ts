import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createManyPods } from '#test/support/api-server/many-pods.ts';
import { createNamespace } from '#test/support/api-server/namespace.ts';
import { residentBytes } from '#test/support/processes/heap.ts';
import { untilReady } from '#test/support/time/eventually.ts';
import { type BenchStage, makeBenchTls, setBenchStage } from './admission-stage.ts';
import { type LoopDelay, scrapeLoopDelay } from './event-loop.ts';
import { sendReviews } from './load-client.ts';
import type { LoadOutcome } from './review-load.ts';
import { milliseconds, ratio, table } from './table.ts';

/** Odd, so that one of them is in the middle. */
const rounds = 7;
const pacePerSecond = 200;
const timesAlone = 1.5;
const megabyte = 1024 * 1024;

/** Issue 14's bar: what reviews notice of ten people on every view and ten who search. */
export async function run({ quick }: { readonly quick: boolean }): Promise<void> {
  const tls = await makeBenchTls();
  const images = quick ? 500 : 3_000;
  const stage = await setBenchStage({ tls, resources: [monitor] });
  try {
    const namespace = await createNamespace(stage.admin, 'viewers');
    const imagesOf = (index: number) => [`127.0.0.1:1/team/app-${index}:1`];
    await createManyPods(stage.admin, { namespace, pods: images, images, imagesOf });
    const { debugUrl } = stage.operator;
    await untilReady('all images are tracked', async () => {
      const answer = await fetch(`${debugUrl}/debug/actors?type=tracked-image&limit=1`);
      return ((await answer.json()) as { readonly total: number }).total >= images;
    });
    const durationMs = quick ? 2_000 : 8_000;
    await measure(stage, durationMs);
    const alone: Figures[] = [];
    const seen: Figures[] = [];
    for (let round = 0; round < rounds; round += 1) {
      alone.push(await measure(stage, durationMs));
      const viewers = startViewers(debugUrl);
      seen.push(await measure(stage, durationMs));
      const { asked, failed } = await viewers.end();
      if (failed > 0) console.log(`${failed} of ${asked} questions had no answer`);
    }
    tell(images, alone, seen);
  } finally {
    await stage.close();
    tls.directory.remove();
  }
}

const monitor = {
  apiVersion: 'kuik.enix.io/v1alpha1',
  kind: 'ClusterImageSetAvailability',
  metadata: { name: 'all' },
  spec: { imageFilter: { include: ['.+'] } },
};

interface Figures {
  readonly reviews: LoadOutcome;
  readonly loop: LoopDelay;
  readonly residentBytes: number;
}

async function measure(stage: BenchStage, durationMs: number): Promise<Figures> {
  const { operator, authorityPem } = stage;
  const image = 'registry.example.com/undeclared/app:1';
  await scrapeLoopDelay(operator.metricsUrl);
  const reviews = await sendReviews({
    ...{ url: operator.webhookUrl, authorityPem, perSecond: pacePerSecond, durationMs },
    ...{ warmUp: 16, warmUpImage: image, images: [image], namespace: 'default' },
    ...{ connections: 16, slowMs: 900 },
  });
  const loop = await scrapeLoopDelay(operator.metricsUrl);
  return { reviews, loop, residentBytes: residentBytes(operator.pid) };
}

function startViewers(debugUrl: string) {
  const script = join(import.meta.dirname, 'viewers-process.ts');
  const child = spawn(process.execPath, [script, debugUrl], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  let text = '';
  child.stdout.on('data', (part) => {
    text += part;
  });
  return {
    end: async () => {
      child.stdin.end();
      await once(child, 'exit');
      return JSON.parse(text) as { readonly asked: number; readonly failed: number };
    },
  };
}

function tell(images: number, alone: readonly Figures[], seen: readonly Figures[]): void {
  const [before, after] = [middleOf(alone), middleOf(seen)];
  const [first, last] = [seen[0]?.residentBytes ?? 0, seen.at(-1)?.residentBytes ?? 0];
  console.log(`${images} tracked images; reviews, ${pacePerSecond} a second, middle of ${rounds}`);
  console.log(
    table(
      ['meanwhile', 'p50 ms', 'p99 ms', 'max ms', 'loop p99 ms', 'times', 'RSS MB, first and last'],
      [
        cells('nobody looks', before, before, ''),
        cells(
          'ten look, ten search',
          after,
          before,
          `${Math.round(first / megabyte)} ${Math.round(last / megabyte)}`,
        ),
      ],
    ),
  );
  const times = after.reviews.p99Ms / before.reviews.p99Ms;
  console.log(`p99 <= ${timesAlone}x: ${times <= timesAlone ? 'met' : 'MISSED'}`);
}

/** The round with the middle p99. */
function middleOf(figures: readonly Figures[]): Figures {
  const sorted = figures.toSorted((one, other) => one.reviews.p99Ms - other.reviews.p99Ms);
  const middle = sorted[(sorted.length - 1) / 2];
  if (middle === undefined) throw new Error('Expected an odd number of rounds.');
  return middle;
}

function cells(what: string, { reviews, loop }: Figures, base: Figures, heap: string) {
  const { p50Ms, p99Ms, maxMs, failed } = reviews;
  return [
    failed > 0 ? `${what}: ${failed} FAILED` : what,
    ...[p50Ms, p99Ms, maxMs, loop.p99Ms].map(milliseconds),
    ratio(p99Ms, base.reviews.p99Ms),
    heap,
  ];
}
