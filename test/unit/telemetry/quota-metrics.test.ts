import { expect, test } from 'vitest';
import { SourceQuotas } from '#actors/mirroring/source-quotas.ts';
import { subjectLabelsMax } from '#telemetry/bounded-label.ts';
import { createMetrics } from '#telemetry/metrics.ts';
import { quotaMetrics } from '#telemetry/quota-metrics.ts';

const remaining = 'kube_image_keeper_registry_quota_remaining';
const limit = 'kube_image_keeper_registry_quota_limit';
const hourMs = 3_600_000;

function stage(isKept = (_: string) => false) {
  let nowMs = 0;
  const quotas = new SourceQuotas({ now: () => nowMs }, 0.3);
  const { registry, text } = createMetrics({ build: { version: '1' } });
  quotaMetrics(registry, { quotas: quotas.scarcest, isKept });
  const shown = async () =>
    (await text()).body.split('\n').filter((line) => /^kube_image_keeper_registry_q/.test(line));
  const pass = (ms: number) => {
    nowMs += ms;
  };
  return { quotas, shown, pass };
}

const robot = { username: 'robot', password: 'x', source: 'shop/pull' } as const;

test('of the credentials of a registry the one that is nearest to its end is shown', async () => {
  const { quotas, shown } = stage();
  quotas.state('docker.io', { limit: 100, remaining: 12 });
  quotas.state('docker.io', { limit: 200, remaining: 20 }, robot);
  expect(await shown()).toEqual([
    `${remaining}{registry="docker.io"} 20`,
    `${limit}{registry="docker.io"} 200`,
  ]);
});

test('what was said of a quota is forgotten when it is whole again', async () => {
  const { quotas, shown, pass } = stage();
  quotas.state('docker.io', { limit: 100, remaining: 1 });
  quotas.state('quay.io', { limit: 10, remaining: 1, resetAtMs: 2 * hourMs });
  pass(hourMs);
  expect(await shown()).toEqual([
    `${remaining}{registry="quay.io"} 1`,
    `${limit}{registry="quay.io"} 10`,
  ]);
  pass(hourMs);
  expect(await shown()).toEqual([]);
});

test('only so many registries are shown, those that somebody in charge named always', async () => {
  const { quotas, shown } = stage((host) => host === 'kept.example.com');
  for (let index = 0; index < subjectLabelsMax + 5; index += 1) {
    quotas.state(`r-${index}.example.com`, { limit: 10, remaining: 5 });
  }
  quotas.state('kept.example.com', { limit: 10, remaining: 5 });
  const lines = await shown();
  expect(lines).toHaveLength(2 * (subjectLabelsMax + 1));
  expect(lines).toContain(`${remaining}{registry="kept.example.com"} 5`);
});
