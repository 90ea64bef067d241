import { setTimeout as delay } from 'node:timers/promises';
import { Registry } from 'prom-client';
import { expect, test } from 'vitest';
import { collectProcessMetrics, loopResolutionMs } from '#telemetry/process-metrics.ts';

test('a loop that waits for nothing is told as late by next to nothing, not by the time between looks', async () => {
  const registry = new Registry();
  collectProcessMetrics(registry);
  await delay(5 * loopResolutionMs);
  const text = await registry.metrics();
  const shown = /^nodejs_eventloop_lag_min_seconds (\S+)$/m.exec(text)?.[1];
  expect(Number(shown)).toBeLessThan(loopResolutionMs / 2_000);
  expect(text).toMatch(/^nodejs_eventloop_lag_p99_seconds \S+$/m);
});
