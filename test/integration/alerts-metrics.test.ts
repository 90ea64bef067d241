import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { eventsIn } from '#test/support/api-server/events.ts';
import { admin } from '#test/support/api-server/plane.ts';
import { createPod, oneContainer } from '#test/support/operator/created-pod.ts';
import { runKuik } from '#test/support/operator/kuik-command.ts';
import { type BusyStage, busyName, startBusyStage } from '#test/support/prometheus/busy-stage.ts';
import { documentedMetrics } from '#test/support/prometheus/documented-metrics.ts';
import { type ExpressionAnswer, evaluate } from '#test/support/prometheus/promql.ts';
import { alertRules, dashboardExpressions } from '#test/support/prometheus/shipped-alerts.ts';
import { eventually } from '#test/support/time/eventually.ts';

/** What alerts and dashboard ask, answered by what a real operator and API server show. */
let stage: BusyStage;
/** Each alert with what it came to, as if it had no `for`. */
let alerts: ReadonlyMap<string, ExpressionAnswer>;
let queries: readonly ExpressionAnswer[];

const kuik = '/apis/kuik.enix.io/v1alpha1';
const monitorPath = `${kuik}/clusterimagesetavailabilities/${busyName}`;
const mirrorPath = `${kuik}/clusterimagesetmirrors/${busyName}`;

beforeAll(async () => {
  stage = await startBusyStage();
  await stage.ready();
  await stage.traffic();
  await untilAllIsTold();
  await stage.traffic();
  const at = stage.scrapedMs();
  const series = stage.scrapes.all();
  const rules = alertRules();
  const answers = await evaluate(
    series,
    rules.map(({ expr }) => expr),
    at,
  );
  alerts = new Map(rules.map(({ alert }, index) => [alert, answers[index] as ExpressionAnswer]));
  queries = await evaluate(series, dashboardExpressions(), at);
});

afterAll(async () => {
  await stage?.close();
});

/** Every image was checked, what can be copied is, and what cannot has been tried. */
async function untilAllIsTold(): Promise<void> {
  await eventually('each image has its status', async () => {
    const { images = [] } = (await admin().get(monitorPath)).status ?? {};
    const seen = new Set(images.map(({ status }: { status: string }) => status));
    expect([...seen].toSorted()).toEqual(
      ['Available', 'NodeOnly', 'NotFound', 'QuotaExceeded', 'Unreachable'].toSorted(),
    );
    return true;
  });
  await eventually('copies are made, fail and wait', async () => {
    const { matchingImages = [] } = (await admin().get(mirrorPath)).status ?? {};
    const states = matchingImages.flatMap(({ mirrors }: { mirrors: { state: string }[] }) =>
      mirrors.map(({ state }) => state),
    );
    expect(states).toEqual(expect.arrayContaining(['Available', 'BackingOff', 'Scheduled']));
    return true;
  });
}

/** A run in which all goes well with kuik itself never shows these. */
const notSeen = [
  'kube_image_keeper_actor_crashes_total',
  'kube_image_keeper_mirroring_abandoned_copies_total',
  'kube_image_keeper_mirroring_deletions_total',
];

describe('what alerts and dashboard ask', () => {
  test('is understood by Prometheus, and of metrics and labels that are there', () => {
    const asked = [...alerts.values(), ...queries];
    expect(asked.filter(({ error }) => error !== undefined)).toEqual([]);
    const selectors = asked.flatMap((one) => one.selectors);
    const missing = selectors.filter(({ metric }) => !stage.scrapes.declared.has(metric));
    expect(missing.map(({ metric }) => metric)).toEqual([]);
    const unlabelled = selectors
      .filter(({ metric }) => !notSeen.includes(metric))
      .flatMap(({ metric, labels }) => {
        const known = stage.scrapes.labelsOf(metric);
        return labels.filter((label) => !known.has(label)).map((label) => `${metric}{${label}}`);
      });
    expect(unlabelled).toEqual([]);
  });

  test('has an answer in each panel, but for what never happened', () => {
    const empty = queries.filter(({ results }) => results.every(({ value }) => value === 'NaN'));
    const metrics = empty.flatMap(({ selectors }) => selectors.map(({ metric }) => metric));
    expect([...new Set(metrics)].toSorted()).toEqual(
      notSeen.filter((metric) => !metric.includes('crashes')),
    );
  });
});

describe('the metrics', () => {
  /** The labels of its series, without what Prometheus adds; undefined where there is none. */
  const labelsOf = (name: string): readonly string[] | undefined => {
    const all = [name, `${name}_count`].flatMap((one) => [...stage.scrapes.labelsOf(one)]);
    if (all.length === 0) return undefined;
    const target = ['job', 'instance', 'pod', 'container', 'service', 'endpoint', '__name__'];
    // A workload's own namespace is its label; of all others it is the operator's.
    const isOwn = name.includes('workload_images');
    return all.filter((label) => !target.includes(label) && (label !== 'namespace' || isOwn));
  };

  test('are those of docs/metrics.md, with these labels', () => {
    const documented = documentedMetrics().filter(({ name }) => !notSeen.includes(name));
    expect(documented.map(({ name }) => [name, labelsOf(name)?.toSorted()])).toEqual(
      documented.map(({ name, labels }) => [name, labels.toSorted()]),
    );
    const shown = [...stage.scrapes.declared].filter((name) => name.startsWith('kube_image_'));
    const base = (name: string) => name.replace(/_(bucket|sum|count)$/, '');
    expect(new Set(shown.map(base))).toEqual(new Set(documentedMetrics().map(({ name }) => name)));
  });
});

describe('the alerts', () => {
  const labelsOf = (alert: string) => alerts.get(alert)?.results.map(({ labels }) => labels);

  test('tell what has happened, and of whom', () => {
    const { down, scarce, throttled, mirror } = stage.registries;
    const mirrored = { mirror: `${mirror.host}/copies` };
    const [lost] = labelsOf('KuikWorkloadCannotRestart') ?? [];
    expect(lost).toMatchObject({ namespace: stage.namespace, kind: 'Pod', status: 'NotFound' });
    expect(labelsOf('KuikWorkloadsAtRisk')).toContainEqual({ status: 'Unreachable' });
    expect(labelsOf('KuikRegistryDown')).toEqual([{ registry: down.host }]);
    expect(labelsOf('KuikRegistryThrottles')).toEqual([{ registry: throttled.host }]);
    expect(labelsOf('KuikRegistryQuotaLow')).toEqual([{ registry: scarce.host }]);
    expect(labelsOf('KuikNothingAvailable')).toEqual([{}]);
    const reasons = labelsOf('KuikPodsOnFallback')?.map(({ reason }) => reason);
    expect(reasons).toContain('OriginalUnreachable');
    expect(labelsOf('KuikWebhookUnreachable')).toEqual([{}]);
    expect(labelsOf('KuikCopiesFailing')).toContainEqual({ ...mirrored, state: 'BackingOff' });
    expect(labelsOf('KuikCopiesHeldBack')).toEqual([mirrored]);
  });

  test('are quiet about what is well', () => {
    const firing = [...alerts].filter(([, { results }]) => results.length > 0);
    expect(firing.map(([alert]) => alert).toSorted()).toEqual([
      'KuikCopiesFailing',
      'KuikCopiesHeldBack',
      'KuikNothingAvailable',
      'KuikPodsOnFallback',
      'KuikRegistryDown',
      'KuikRegistryQuotaLow',
      'KuikRegistryThrottles',
      'KuikWebhookUnreachable',
      'KuikWorkloadCannotRestart',
      'KuikWorkloadsAtRisk',
    ]);
  });
});

describe('an image that only nodes can pull', () => {
  const image = () => `${stage.registries.nodes.host}/team/app:1`;

  test('is never asked for, be it by a check, a copy or a review', async () => {
    const { pod } = await createPod(stage.nodeNamespace, oneContainer(image()));
    expect(pod.spec.containers[0].image).toBe(image());
    expect(pod.metadata.annotations).toBeUndefined();
    const query = new URLSearchParams({ namespace: stage.nodeNamespace, image: image() });
    const route = await fetch(`${stage.operator.debugUrl}/debug/route?${query}`);
    const { reason, candidates } = (await route.json()) as {
      reason: string;
      candidates: { status: string; message?: string }[];
    };
    expect(reason).toBe('OriginalAvailable');
    expect(candidates[0]).toMatchObject({
      status: 'Trusted',
      message: expect.stringContaining('monitoring.nodeOnly'),
    });
    expect(stage.registries.nodes.requests()).toEqual([]);
  });

  test('is NodeOnly in statuses and pages, and counts neither way', async () => {
    const { status } = await admin().get(monitorPath);
    const one = { image: image(), status: 'NodeOnly', original: true };
    expect(status.images).toContainEqual(one);
    const counted = ['Available', 'NotFound', 'Unreachable', 'QuotaExceeded'];
    const checked = status.images.filter((entry: { status: string }) =>
      counted.includes(entry.status),
    );
    expect(status.availableCount + status.missingCount).toBe(checked.length);
    expect(status.imageCount).toBe(checked.length + 1);
    const page = await fetch(`${stage.operator.metricsUrl}/status/images`);
    const { items } = (await page.json()) as { items: { image: string }[] };
    expect(items.find((item) => item.image === image())).toEqual({
      ...{ cisa: busyName, image: image(), registry: stage.registries.nodes.host },
      ...{ status: 'NodeOnly', unusedSince: null, lastMonitor: null },
    });
    const { status: mirrored } = await admin().get(mirrorPath);
    const names = mirrored.matchingImages.map((entry: { image: string }) => entry.image);
    expect(names).not.toContain(image());
  });

  test('makes no alarm: in no workload at risk, no event and no alert', async () => {
    const { metricsUrl } = stage.operator;
    const page = await fetch(`${metricsUrl}/status/workloads?namespace=${stage.nodeNamespace}`);
    expect(await page.json()).toMatchObject({ workloads: [], total: 0, imagesNodeOnly: 1 });
    const { text } = await runKuik(['status', '--metrics-url', metricsUrl]);
    expect(text.replaceAll(/\s+/g, ' ')).toContain('only nodes can pull them (NodeOnly): 1.');
    expect(text).not.toContain(image());
    const { host } = stage.registries.nodes;
    expect((await eventsIn()).filter(({ note }) => note.includes(host))).toEqual([]);
    const told = JSON.stringify([...alerts.values()].map(({ results }) => results));
    expect(told).not.toContain(host);
    expect(told).not.toContain(stage.nodeNamespace);
    const metrics = await (await fetch(`${metricsUrl}/metrics`)).text();
    expect(metrics).toContain(
      `monitoring_images{name="${busyName}",registry="${host}",status="NodeOnly",used="true",original="true"} 1`,
    );
  });
});
