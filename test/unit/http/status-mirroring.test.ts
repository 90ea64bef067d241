import { expect, onTestFinished, test } from 'vitest';
import type { CleanupItem } from '#core/mirroring/status-cleanup.ts';
import type { MirroringReport } from '#core/mirroring/status-report.ts';
import { buildDebugApp } from '#http/debug.ts';
import { buildMetricsApp } from '#http/metrics.ts';
import { createLog } from '#telemetry/log.ts';
import { someTimeMs } from '#test/support/mirroring/mirrored-images.ts';

const log = createLog({ level: 'silent', format: 'json' });
const running = [
  {
    ...{ target: 'mirror.example.com/team', image: 'docker.io/library/nginx:1' },
    ...{ bytesDone: 4_000, bytesTotal: 10_000, startedMs: someTimeMs },
  },
];
const shown = {
  ...{ target: 'mirror.example.com/team', image: 'docker.io/library/nginx:1' },
  ...{ bytesDone: 4_000, bytesTotal: 10_000, bytesPerSecond: 2_000 },
  startedAt: '2026-03-01T12:00:00Z',
};
const first = {
  ...{ image: 'quay.io/team/app:1', copy: 'mirror.example.com/team/app:1' },
  ...({ state: 'Failed', lastError: 'denied' } as const),
};
const report: MirroringReport = {
  ...{ leads: true, resources: 1, images: 3, mirrored: 1, failed: 1, running },
  faults: [
    { resource: 'ImageSetMirror/shop/near', mirror: 'mirror.example.com', copies: 2, first },
  ],
};
const item: CleanupItem = {
  ...{ resource: 'ImageSetMirror/shop/near', image: first.image, copy: first.copy },
  ...{ mirror: 'mirror.example.com', state: 'Unused', why: 'unused', isRun: false },
  ...{ unusedSinceMs: someTimeMs, retentionMs: 90_000, dueMs: someTimeMs + 90_000 },
};

async function get(url: string, items: readonly CleanupItem[] = [item]) {
  const app = buildMetricsApp({
    metrics: async () => ({ contentType: 'text/plain', body: '' }),
    mirroring: {
      report: async () => report,
      cleanup: async () => items,
      now: () => someTimeMs + 2_000,
    },
    log,
  });
  onTestFinished(() => app.close());
  return JSON.parse((await app.inject(url)).body);
}

test('/status/mirroring tells of copies that run and of what fails', async () => {
  const { faults: _, ...counts } = report;
  expect(await get('/status/mirroring')).toEqual({
    ...{ ...counts, running: [shown], totalFaults: 1 },
    faults: [
      { resource: 'ImageSetMirror/shop/near', mirror: 'mirror.example.com', copies: 2, ...first },
    ],
  });
});

test('/status/cleanup tells what goes when and why, 5,000 at most', async () => {
  const { unusedSinceMs: _, ...deleting } = { ...item, why: 'deleting' as const, isRun: true };
  const answer = await get('/status/cleanup', [item, deleting, ...Array(5_000).fill(item)]);
  expect([answer.items.length, answer.total]).toEqual([5_000, 5_002]);
  expect(answer.items.slice(0, 2)).toEqual([
    {
      ...{ resource: 'ImageSetMirror/shop/near', image: first.image, copy: first.copy },
      ...{ mirror: 'mirror.example.com', state: 'Unused', why: 'unused', runs: false },
      ...{ unusedSince: '2026-03-01T12:00:00Z', retentionSeconds: 90 },
      due: '2026-03-01T12:01:30Z',
    },
    expect.objectContaining({ why: 'deleting', unusedSince: null, runs: true }),
  ]);
});

test('/debug/copies tells of the copies that run', async () => {
  const app = buildDebugApp(
    {
      actors: {
        list: async () => ({ actors: [], total: 0, next: null }),
        get: () => undefined,
        leader: () => null,
      },
      machines: { list: () => [], get: () => undefined },
      explain: async () => ({}) as never,
      whatIf: async () => ({}) as never,
      plan: async () => ({ plans: [], bytes: 0, workloads: 0, undecided: 0 }),
      replica: 'kuik-0',
      namespaceExists: async () => true,
      access: async () => ({ kind: 'unknown' }),
      copies: { running: () => running, now: () => someTimeMs + 2_000 },
      log,
    },
    { address: '127.0.0.1', hosts: [] },
  );
  onTestFinished(() => app.close());
  const ask = async (url: string) =>
    JSON.parse((await app.inject({ url, headers: { host: 'localhost:8082' } })).body);
  expect(await ask('/debug/copies')).toEqual({ copies: [shown], total: 1 });
  expect((await ask('/debug')).paths).toContain('/debug/copies');
});
