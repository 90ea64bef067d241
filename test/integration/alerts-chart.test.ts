import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { objectPath } from '#test/support/api-server/chart.ts';
import { admin, freshNamespace } from '#test/support/api-server/plane.ts';
import { renderAlerts } from '#test/support/prometheus/rendered-alerts.ts';
import { type AlertRule, alertRules } from '#test/support/prometheus/shipped-alerts.ts';

const everything = {
  manager: { serviceMonitor: { create: true } },
  prometheusRule: { create: true },
  grafanaDashboard: { create: true },
};

interface Rendered {
  readonly spec: { readonly groups: readonly { readonly rules: readonly AlertRule[] }[] };
}

const rulesOf = (rule: unknown) =>
  ((rule as Rendered | undefined)?.spec.groups ?? []).flatMap(({ rules }) => rules);

test('nothing that another operator defines is made unless somebody asks for it', async () => {
  const { rules, monitors, dashboards } = await renderAlerts({});
  expect([rules, monitors, dashboards]).toEqual([[], [], []]);
});

test('the PrometheusRule holds the rules that are tested, word for word', async () => {
  const { rules } = await renderAlerts(everything);
  expect(rulesOf(rules[0])).toEqual(alertRules());
  expect(rules[0]?.metadata).toMatchObject({ name: 'kuik', namespace: 'kuik-system' });
});

test('values add labels, leave alerts out, and lead runbooks elsewhere', async () => {
  const { rules } = await renderAlerts({
    prometheusRule: {
      create: true,
      extraLabels: { release: 'prometheus' },
      ruleLabels: { team: 'platform', severity: 'page' },
      disabled: ['KuikRoundTooLong', 'KuikDown'],
      runbookUrl: 'https://wiki.example.com/kuik',
    },
  });
  expect(rules[0]?.metadata.labels).toMatchObject({ release: 'prometheus' });
  const rendered = rulesOf(rules[0]);
  const left = alertRules().filter(({ alert }) => !/^Kuik(RoundTooLong|Down)$/.test(alert));
  expect(rendered.map(({ alert }) => alert)).toEqual(left.map(({ alert }) => alert));
  for (const { alert, expr, labels, annotations } of rendered) {
    expect(labels).toEqual({ severity: 'page', team: 'platform' });
    expect(annotations['runbook_url']).toBe(`https://wiki.example.com/kuik#${alert.toLowerCase()}`);
    expect(expr).toBe(alertRules().find((rule) => rule.alert === alert)?.expr);
  }
});

test('an alert that is left out and does not exist is told at once', async () => {
  const rendering = renderAlerts({ prometheusRule: { create: true, disabled: ['KuikDwon'] } });
  await expect(rendering).rejects.toThrow(
    'prometheusRule.disabled: expected names of alerts (docs/alerts.md), got "KuikDwon"',
  );
});

test("the ServiceMonitor finds the chart's own Service, and keeps the namespace of a workload at risk", async () => {
  const { monitors, services } = await renderAlerts({
    manager: {
      serviceMonitor: {
        ...{ create: true, scrapeInterval: '15s', extraLabels: { release: 'prometheus' } },
      },
    },
  });
  expect(monitors).toMatchObject([
    {
      metadata: { labels: { release: 'prometheus' } },
      spec: { endpoints: [{ port: 'metrics', honorLabels: true, interval: '15s' }] },
    },
  ]);
  const [{ spec }] = monitors as unknown as [{ spec: { selector: { matchLabels: object } } }];
  expect(services).toMatchObject([
    {
      metadata: { labels: spec.selector.matchLabels },
      spec: { ports: expect.arrayContaining([expect.objectContaining({ name: 'metrics' })]) },
    },
  ]);
});

test('the dashboard is in a ConfigMap that the API server takes and the sidecar finds', async () => {
  const namespace = await freshNamespace();
  const values = { grafanaDashboard: { create: true, namespace, annotations: { folder: 'kuik' } } };
  const { dashboards } = await renderAlerts(values);
  const [map] = dashboards;
  if (map === undefined) throw new Error('expected a ConfigMap, got none');
  await admin().apply(objectPath(map), map);
  const { metadata, data } = await admin().get(objectPath(map));
  expect(metadata).toMatchObject({
    labels: { grafana_dashboard: '1' },
    annotations: { folder: 'kuik' },
  });
  const file = join(import.meta.dirname, '..', '..', 'chart', 'files', 'dashboard.json');
  expect(JSON.parse(data['kuik.json'])).toEqual(JSON.parse(readFileSync(file, 'utf8')));
});
