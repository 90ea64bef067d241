import { describe, expect, test } from 'vitest';
import { closedLabelsMax, subjectLabelsMax } from '#telemetry/bounded-label.ts';
import { metricTable } from '#telemetry/metric-table.ts';
import { createMetrics } from '#telemetry/metrics.ts';
import { mirroringMetrics } from '#telemetry/mirroring-metrics.ts';
import { monitoringMetrics } from '#telemetry/monitoring-metrics.ts';
import { quotaMetrics } from '#telemetry/quota-metrics.ts';
import { rewrittenPodsMetric } from '#telemetry/rewritten-pods.ts';
import { createTrackedImages, defaultAgeBuckets } from '#test/support/monitoring/tracked-images.ts';

const build = { version: '1.2.3', revision: 'abc' };

/** Sample lines of the exposition that start with `name`. */
async function samples(metrics: ReturnType<typeof createMetrics>, name: string): Promise<string[]> {
  const { body } = await metrics.text();
  return body.split('\n').filter((line) => line.startsWith(name));
}

/** Monitoring registers its own beside them. */
function showNoMonitoring({ registry }: ReturnType<typeof createMetrics>): void {
  monitoringMetrics(registry, {
    tracked: createTrackedImages(),
    pace: { registries: () => [], roundMsOf: () => 0 },
    workloads: async () => [],
    ageBuckets: defaultAgeBuckets,
    now: () => 0,
  });
  rewrittenPodsMetric(registry, { pods: () => [], isDeclared: () => false });
  mirroringMetrics(registry, { queues: () => [], copies: () => [], now: () => 0 });
  quotaMetrics(registry, { quotas: () => new Map(), isKept: () => false });
}

describe('the metrics', () => {
  test("keep kuik v2's names, without labels where it has none", async () => {
    const metrics = createMetrics({ build });
    expect(await samples(metrics, 'kube_image_keeper_manager_is_leader')).toEqual([
      'kube_image_keeper_manager_is_leader 0',
    ]);
    metrics.setLeader(true);
    metrics.setUp(true);
    expect(await samples(metrics, 'kube_image_keeper_manager_')).toEqual([
      expect.stringMatching(
        /^kube_image_keeper_manager_build_info\{version="1.2.3",revision="abc",built="",.*\} 1$/,
      ),
      'kube_image_keeper_manager_up 1',
      'kube_image_keeper_manager_is_leader 1',
    ]);
  });

  test('carry no default label and no name outside the table', async () => {
    const metrics = createMetrics({ build });
    showNoMonitoring(metrics);
    const { body, contentType } = await metrics.text();
    expect(contentType).toMatch(/^text\/plain/);
    const names = [...body.matchAll(/^# TYPE (\S+)/gm)].map(([, name]) => name);
    expect(names.sort()).toEqual(
      Object.values(metricTable)
        .map(([name]) => name)
        .sort(),
    );
    const help = [...body.matchAll(/^# HELP \S+ (.*)$/gm)].map(([, text]) => text);
    expect(help.every((text) => text?.endsWith('.'))).toBe(true);
  });

  test('say nothing of a certificate before there is one', async () => {
    const metrics = createMetrics({ build });
    expect(await samples(metrics, 'kube_image_keeper_certificate')).toEqual([]);
  });

  test('count what is told', async () => {
    const metrics = createMetrics({ build });
    metrics.routingDecision('OriginalUnreachable', 'ImageSetMirror', 'shop/near');
    metrics.routingDecision('OriginalAvailable', '', '');
    metrics.probe('docker.io', 'Available');
    metrics.probe('docker.io', 'Available');
    metrics.probe('quay.io', 'NotFound');
    metrics.probeDuration('docker.io', 0.02);
    metrics.certificateExpiry(1_800_000_000);
    metrics.webhookError('PatchDropped');
    metrics.apiRequest('GET', 'ok');
    metrics.admission(0.004);
    expect(await samples(metrics, 'kube_image_keeper_routing_decisions')).toEqual([
      'kube_image_keeper_routing_decisions_total{reason="OriginalUnreachable",kind="ImageSetMirror",name="shop/near"} 1',
      'kube_image_keeper_routing_decisions_total{reason="OriginalAvailable",kind="",name=""} 1',
    ]);
    expect(await samples(metrics, 'kube_image_keeper_routing_probes')).toEqual([
      'kube_image_keeper_routing_probes_total{registry="docker.io",result="Available"} 2',
      'kube_image_keeper_routing_probes_total{registry="quay.io",result="NotFound"} 1',
    ]);
    expect(
      await samples(metrics, 'kube_image_keeper_routing_probe_duration_seconds_bucket{le="0.025"'),
    ).toEqual([
      'kube_image_keeper_routing_probe_duration_seconds_bucket{le="0.025",registry="docker.io"} 1',
    ]);
    expect(await samples(metrics, 'kube_image_keeper_certificate')).toEqual([
      'kube_image_keeper_certificate_expiry_timestamp_seconds 1800000000',
    ]);
    expect(await samples(metrics, 'kube_image_keeper_webhook_errors_total')).toEqual([
      'kube_image_keeper_webhook_errors_total{kind="PatchDropped"} 1',
    ]);
    expect(await samples(metrics, 'kube_image_keeper_api')).toEqual([
      'kube_image_keeper_api_requests_total{method="GET",outcome="ok"} 1',
    ]);
    expect(
      await samples(
        metrics,
        'kube_image_keeper_webhook_admission_duration_seconds_bucket{le="0.005"}',
      ),
    ).toEqual(['kube_image_keeper_webhook_admission_duration_seconds_bucket{le="0.005"} 1']);
  });

  test('show one present state a registry and a reflector, and none of those that went', async () => {
    const metrics = createMetrics({ build });
    metrics.registryHealth('docker.io', 'Closed');
    metrics.registryHealth('docker.io', 'Open');
    metrics.registryHealth('quay.io', 'Closed');
    metrics.registryHealth('quay.io', undefined);
    metrics.reflectorPhase('pods', 'Listing');
    metrics.reflectorPhase('pods', 'Watching');
    expect(await samples(metrics, 'kube_image_keeper_registry_health')).toEqual([
      'kube_image_keeper_registry_health{registry="docker.io",state="Open"} 1',
    ]);
    expect(await samples(metrics, 'kube_image_keeper_reflector_phase')).toEqual([
      'kube_image_keeper_reflector_phase{resource="pods",phase="Watching"} 1',
    ]);
  });

  test('never have more series than their bounds, and take in another once one went', async () => {
    const metrics = createMetrics({ build });
    for (let index = 0; index < 1_000; index++) {
      metrics.registryHealth(`registry-${index}.example.com`, 'Closed');
      metrics.probe('docker.io', `result-${index}`);
      metrics.routingDecision('Preferred', 'ImageSetMirror', `shop/mirror-${index}`);
    }
    const health = 'kube_image_keeper_registry_health{';
    expect(await samples(metrics, health)).toHaveLength(subjectLabelsMax);
    expect(await samples(metrics, 'kube_image_keeper_routing_probes_total{')).toHaveLength(
      closedLabelsMax + 1,
    );
    const decisions = 'kube_image_keeper_routing_decisions_total{';
    expect(await samples(metrics, decisions)).toHaveLength(subjectLabelsMax + 1);
    metrics.registryHealth('registry-0.example.com', undefined);
    metrics.registryHealth('registry-999.example.com', 'Open');
    expect(await samples(metrics, health)).toContain(
      'kube_image_keeper_registry_health{registry="registry-999.example.com",state="Open"} 1',
    );
  });

  test('keep the registries in use, and those that somebody in charge named, before made-up ones', async () => {
    const metrics = createMetrics({ build });
    const health = 'kube_image_keeper_registry_health{registry=';
    metrics.keepRegistries(new Set(['named.example.com']));
    metrics.registryHealth('Named.Example.com:443', 'Closed');
    metrics.registryHealth('quiet.example.com', 'Closed');
    metrics.registryHealth('busy.example.com', 'Closed');
    for (let index = 0; index < 3 * subjectLabelsMax; index++) {
      metrics.registryHealth(`made-up-${index}.example.com`, 'Suspect');
      if (index % 100 === 0) metrics.registryHealth('busy.example.com', 'Closed');
    }
    metrics.registryHealth('new.example.com', 'Open');
    const lines = await samples(metrics, health);
    expect(lines).toHaveLength(subjectLabelsMax + 1);
    for (const told of ['Named.Example.com:443', 'busy.example.com', 'new.example.com']) {
      expect(lines).toContainEqual(expect.stringContaining(`"${told}"`));
    }
    expect(lines.some((line) => line.includes('quiet'))).toBe(false);
  });

  test('count on under another name what made room for others', async () => {
    const metrics = createMetrics({ build });
    const rounds = subjectLabelsMax + 5;
    for (let index = 0; index < rounds; index++) metrics.probe(`r${index}.io`, 'NotFound');
    const lines = await samples(metrics, 'kube_image_keeper_routing_probes_total{');
    expect(lines).toHaveLength(subjectLabelsMax + 1);
    expect(lines).toContain(
      'kube_image_keeper_routing_probes_total{registry="other",result="NotFound"} 5',
    );
    const counted = lines.map((line) => Number(line.split(' ').at(-1)));
    expect(counted.reduce((sum, count) => sum + count, 0)).toBe(rounds);
  });
});
