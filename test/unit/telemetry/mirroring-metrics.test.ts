import { expect, test } from 'vitest';
import type { CopiedImage, CopyFailureReason } from '#core/mirroring/copy-outcome.ts';
import { subjectLabelsMax } from '#telemetry/bounded-label.ts';
import { createMetrics } from '#telemetry/metrics.ts';
import { type CopyQueue, mirroringMetrics, type ShownCopy } from '#telemetry/mirroring-metrics.ts';

const prefix = 'kube_image_keeper_mirroring_';
const target = 'mirror.example.com/team';
const copied: CopiedImage = {
  ...{ kind: 'copied', digest: 'sha256:a', sourceDigest: 'sha256:b' },
  ...{ found: false, bytes: 4_096 },
};
const failed = (reason: CopyFailureReason) =>
  ({ kind: 'failed', side: 'target', reason, message: 'no' }) as const;

function stage(
  queues: readonly CopyQueue[] = [],
  isKept = (_: string) => false,
  copies: readonly ShownCopy[] = [],
) {
  const { registry, text } = createMetrics({ build: { version: '1' } });
  const metrics = mirroringMetrics(registry, {
    ...{ queues: () => queues, copies: () => copies, now: () => 90_000, isKept },
  });
  const shown = async (name: string) =>
    (await text()).body.split('\n').filter((line) => line.startsWith(`${prefix}${name}`));
  return { metrics, shown };
}

test('copies are counted by mirror and result, with their bytes and how long they took', async () => {
  const { metrics, shown } = stage();
  metrics.copied({ target, outcome: copied, durationMs: 200 });
  metrics.copied({ target, outcome: { ...copied, found: true, bytes: 0 }, durationMs: 20 });
  metrics.copied({ target, outcome: failed('denied'), durationMs: 20 });
  expect(await shown('copies_total')).toEqual([
    `${prefix}copies_total{mirror="${target}",result="copied"} 1`,
    `${prefix}copies_total{mirror="${target}",result="found"} 1`,
    `${prefix}copies_total{mirror="${target}",result="denied"} 1`,
  ]);
  expect(await shown('copied_bytes_total')).toEqual([
    `${prefix}copied_bytes_total{mirror="${target}"} 4096`,
  ]);
  expect(await shown('copy_duration_seconds_count')).toEqual([
    `${prefix}copy_duration_seconds_count{result="copied"} 1`,
    `${prefix}copy_duration_seconds_count{result="found"} 1`,
    `${prefix}copy_duration_seconds_count{result="failed"} 1`,
  ]);
});

test('deletions and what stayed on a mirror are counted', async () => {
  const { metrics, shown } = stage();
  metrics.deleted(target, 'deleted');
  metrics.deleted(target, 'denied');
  metrics.abandoned(target);
  expect([...(await shown('deletions_total')), ...(await shown('abandoned'))]).toEqual([
    `${prefix}deletions_total{mirror="${target}",result="deleted"} 1`,
    `${prefix}deletions_total{mirror="${target}",result="denied"} 1`,
    `${prefix}abandoned_copies_total{mirror="${target}"} 1`,
  ]);
});

test('what waits is shown by mirror, and how long the first of it has waited', async () => {
  const { shown } = stage([
    { target, waiting: 3, oldestMs: 30_000 },
    { target: 'idle.example.com', waiting: 0, oldestMs: undefined },
  ]);
  expect([...(await shown('queue_length')), ...(await shown('queue_age_seconds'))]).toEqual([
    `${prefix}queue_length{mirror="${target}"} 3`,
    `${prefix}queue_length{mirror="idle.example.com"} 0`,
    `${prefix}queue_age_seconds{mirror="${target}"} 60`,
    `${prefix}queue_age_seconds{mirror="idle.example.com"} 0`,
  ]);
});

test('copies are counted by mirror and state, as they are at the scrape', async () => {
  const many = Array.from({ length: subjectLabelsMax + 5 }, (_, index) => `m-${index}.example.com`);
  const states = ['Available', 'Available', 'Failed'];
  const copies = [
    ...many.map((mirror) => ({ mirror, state: 'Available' })),
    ...states.map((state) => ({ mirror: target, state })),
  ];
  const { shown } = stage([], (name) => name === target, copies);
  const lines = await shown('images');
  expect(lines).toHaveLength(subjectLabelsMax + 3);
  expect(lines).toContain(`${prefix}images{mirror="${target}",state="Available"} 2`);
  expect(lines).toContain(`${prefix}images{mirror="${target}",state="Failed"} 1`);
  expect(lines).toContain(`${prefix}images{mirror="other",state="Available"} 5`);
});

test('only so many mirrors are told apart, those of cluster-scoped resources always', async () => {
  const many = Array.from({ length: subjectLabelsMax + 5 }, (_, index) => `m-${index}.example.com`);
  const queues = many.map((name, index) => ({ target: name, waiting: 1, oldestMs: index * 1_000 }));
  const { metrics, shown } = stage([...queues, { target, waiting: 7 }], (name) => name === target);
  for (const name of [target, ...many]) {
    metrics.copied({ target: name, outcome: copied, durationMs: 1 });
  }
  const lengths = await shown('queue_length');
  expect(lengths).toContain(`${prefix}queue_length{mirror="other"} 5`);
  expect(lengths).toContain(`${prefix}queue_length{mirror="${target}"} 7`);
  const bytes = await shown('copied_bytes_total');
  expect(bytes).toHaveLength(subjectLabelsMax + 2);
  expect(bytes).toContain(`${prefix}copied_bytes_total{mirror="other"} ${5 * 4_096}`);
  expect(bytes).toContain(`${prefix}copied_bytes_total{mirror="${target}"} 4096`);
});
