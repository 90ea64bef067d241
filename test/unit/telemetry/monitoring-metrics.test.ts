import { describe, expect, test } from 'vitest';
import { ageBounds } from '#telemetry/age-buckets.ts';
import { subjectLabelsMax } from '#telemetry/bounded-label.ts';
import { createMetrics } from '#telemetry/metrics.ts';
import { type MonitoringMetricsOptions, monitoringMetrics } from '#telemetry/monitoring-metrics.ts';
import {
  createTrackedImages,
  defaultAgeBuckets,
  manyTracked,
  someTimeMs,
  tracked,
} from '#test/support/monitoring/tracked-images.ts';

const images = 'kube_image_keeper_monitoring_images';
const age = 'kube_image_keeper_monitoring_image_last_monitor_age_minutes';

function stage(given: Partial<MonitoringMetricsOptions> = {}) {
  const held = createTrackedImages();
  const metrics = createMetrics({ build: { version: '1' } });
  const countCheck = monitoringMetrics(metrics.registry, {
    tracked: held,
    pace: { registries: () => [], roundMsOf: () => 0 },
    workloads: async () => [],
    ageBuckets: defaultAgeBuckets,
    now: () => someTimeMs,
    ...given,
  });
  const samples = async (name: string) =>
    (await metrics.text()).body.split('\n').filter((line) => line.startsWith(`${name}`));
  return { held, countCheck, samples };
}

describe('the metrics of monitoring', () => {
  test("count images under kuik v2's name and labels, as they are at the scrape", async () => {
    const { held, samples } = stage();
    const gone = tracked('quay.io/team/app:1', { status: 'NotFound' });
    held.put(
      gone,
      tracked('docker.io/library/nginx:1'),
      tracked('docker.io/library/nginx:2'),
      tracked('docker.io/library/nginx:3', { unusedSinceMs: 1, original: false }),
    );
    expect(await samples(images)).toEqual([
      `${images}{name="all",registry="quay.io",status="NotFound",used="true",original="true"} 1`,
      `${images}{name="all",registry="docker.io",status="Available",used="true",original="true"} 2`,
      `${images}{name="all",registry="docker.io",status="Available",used="false",original="false"} 1`,
    ]);
    held.remove(gone);
    expect((await samples(images)).join()).not.toContain('quay.io');
  });

  test('show how long ago images were checked; one that never was is not in it', async () => {
    const { held, samples } = stage();
    const minutesAgo = (minutes: number) => ({ lastMonitorMs: someTimeMs - minutes * 60_000 });
    const { lastMonitorMs: _, ...never } = tracked('docker.io/library/new:1');
    held.put(
      tracked('docker.io/library/a:1', minutesAgo(0.5)),
      tracked('docker.io/library/b:1', minutesAgo(1.5)),
      tracked('docker.io/library/c:1', minutesAgo(100_000)),
      tracked('docker.io/library/d:1', minutesAgo(-5)),
      never,
    );
    const labels = 'name="all",registry="docker.io"';
    const lines = await samples(age);
    expect(lines).toContain(`${age}_bucket{le="1",${labels}} 2`);
    expect(lines).toContain(`${age}_bucket{le="1.94",${labels}} 3`);
    expect(lines).toContain(`${age}_bucket{le="+Inf",${labels}} 4`);
    expect(lines).toContain(`${age}_count{${labels}} 4`);
    // Computed anew: a scrape adds nothing to the one before.
    expect(await samples(age)).toEqual(lines);
    held.remove(...held.imagesOf('all'));
    expect(await samples(age)).toEqual([]);
  });

  test('show the pace, the quota and the full round, as long as anything is checked', async () => {
    const registries = [
      { registry: 'docker.io', slotMs: 1_000, queued: 12, inFlight: 1, lagMs: 1_500 },
      { registry: 'quay.io', slotMs: 1_000, queued: 0, inFlight: 0, lagMs: 0 },
    ];
    const { held, countCheck, samples } = stage({
      pace: { registries: () => registries, roundMsOf: () => 3_600_000 },
    });
    held.put(tracked('docker.io/library/nginx:1'));
    countCheck({
      image: 'docker.io/library/nginx:1',
      registry: 'docker.io',
      result: 'Available',
      durationMs: 40,
      quotaRemaining: 76,
    });
    countCheck({
      image: 'docker.io/library/nginx:1',
      registry: 'docker.io',
      result: 'NotFound',
      durationMs: 40,
    });
    const prefix = 'kube_image_keeper_monitoring';
    expect(await samples(`${prefix}_queue`)).toEqual([
      `${prefix}_queue_length{registry="docker.io"} 12`,
      `${prefix}_queue_length{registry="quay.io"} 0`,
    ]);
    expect(await samples(`${prefix}_lag`)).toContain(
      `${prefix}_lag_seconds{registry="docker.io"} 1.5`,
    );
    expect(await samples(`${prefix}_full`)).toEqual([
      `${prefix}_full_round_seconds{name="all"} 3600`,
    ]);
    expect(await samples(`${prefix}_checks`)).toEqual([
      `${prefix}_checks_total{result="Available"} 1`,
      `${prefix}_checks_total{result="NotFound"} 1`,
    ]);
    expect(await samples(`${prefix}_check_duration_seconds_bucket{le="0.05"`)).toHaveLength(1);
    expect(await samples(`${prefix}_quota`)).toEqual([
      `${prefix}_quota_remaining{registry="docker.io"} 76`,
    ]);
    registries.shift();
    expect(await samples(`${prefix}_quota`)).toEqual([]);
  });

  test('name workloads that could not start elsewhere, only so many of them', async () => {
    const workloads = Array.from({ length: 500 }, (_, index) => ({
      ...{ namespace: 'shop', kind: 'Deployment', name: `web-${index}`, pods: 1 },
      images: [{ image: 'quay.io/shop/web:1', status: 'NotFound' as const, cisa: 'all' }],
    }));
    const { samples } = stage({ workloads: async () => workloads });
    const lines = await samples('kube_image_keeper_monitoring_workload_images_unavailable');
    expect(lines).toHaveLength(subjectLabelsMax + 1);
    expect(lines[0]).toMatch(
      /\{namespace="shop",kind="Deployment",name="web-0",status="NotFound"\} 1$/,
    );
    expect(lines.at(-1)).toMatch(/\{namespace="other",.*\} 300$/);
  });

  test('count workloads at risk by status, one with several for each of them', async () => {
    const images = (...statuses: readonly ('NotFound' | 'Unreachable')[]) =>
      statuses.map((status, index) => ({ image: `quay.io/shop/${index}:1`, status, cisa: 'all' }));
    const workload = { namespace: 'shop', kind: 'Deployment', name: 'web', pods: 1 };
    let workloads = [
      { ...workload, images: images('NotFound', 'NotFound', 'Unreachable') },
      { ...workload, name: 'api', images: images('NotFound') },
    ];
    const { samples } = stage({ workloads: async () => workloads });
    const metric = 'kube_image_keeper_monitoring_workloads_at_risk';
    expect(await samples(metric)).toEqual([
      `${metric}{status="NotFound"} 2`,
      `${metric}{status="Unreachable"} 1`,
    ]);
    workloads = [];
    expect(await samples(metric)).toEqual([]);
  });

  test('of 20,000 images on a thousand registries are bounded, and quickly made', async () => {
    const { held, samples } = stage();
    held.put(...manyTracked(20_000, 1_000));
    const times: number[] = [];
    for (let scrape = 0; scrape < 5; scrape += 1) {
      const startedMs = performance.now();
      const lines = await samples(images);
      times.push(performance.now() - startedMs);
      // Each registry, or `other`, with two statuses, used and not.
      expect(lines.length).toBeLessThanOrEqual((subjectLabelsMax + 1) * 4);
    }
    expect(Math.min(...times)).toBeLessThan(500);
  });

  test('of very many images let other work in between, and two scrapes at once see the same', async () => {
    const { held, samples } = stage();
    held.put(...manyTracked(640, 10));
    held.takeTime(0.25);
    let turns = 0;
    let timer = setImmediate(function count() {
      turns += 1;
      timer = setImmediate(count);
    });
    const [one, other] = await Promise.all([samples(age), samples(age)]);
    clearImmediate(timer);
    // After 4 ms, and so after 32 images at most, others have their turn: in each of four passes.
    expect(turns).toBeGreaterThan(4 * 16);
    expect(one).toEqual(other);
    expect(one.length).toBeGreaterThan(0);
  });
});

describe('the buckets of the age histogram', () => {
  test.each([
    ['exponential', {}, [1, 1.94, 3.7636, 7.3014, 14.1647, 27.4795, 53.3102, 103.4218]],
    ['exponentialRange', { count: 4, min: 1, max: 1000 }, [1, 10, 100, 1000]],
    ['exponentialRange', { count: 1, min: 5, max: 1000 }, [5]],
    ['custom', { custom: [1, 60, 1440] }, [1, 60, 1440]],
    ['disabled', {}, []],
  ] as const)('%s with %j', (bucketType, given, expected) => {
    const bounds = ageBounds({ ...defaultAgeBuckets, bucketType, ...given });
    expect(bounds.slice(0, 8).map((bound) => Number(bound.toFixed(4)))).toEqual(expected);
  });

  test('are not there when they are disabled, the sum and the count are', async () => {
    const { held, samples } = stage({
      ageBuckets: { ...defaultAgeBuckets, bucketType: 'disabled' },
    });
    held.put(tracked('docker.io/library/nginx:1'));
    expect((await samples(age)).map((line) => line.slice(age.length).replace(/\{.*/, ''))).toEqual([
      '_bucket',
      '_sum',
      '_count',
    ]);
  });
});
