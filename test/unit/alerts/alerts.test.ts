import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { metricTable } from '#telemetry/metric-table.ts';
import { documentedMetrics, promisedMetrics } from '#test/support/prometheus/documented-metrics.ts';
import {
  alertRules,
  dashboardExpressions,
  readDashboard,
} from '#test/support/prometheus/shipped-alerts.ts';

const root = join(import.meta.dirname, '..', '..', '..');
const guide = readFileSync(join(root, 'docs', 'alerts.md'), 'utf8');

interface RuleTests {
  readonly tests: readonly {
    readonly name: string;
    readonly alert_rule_test: readonly {
      readonly alertname: string;
      readonly exp_alerts: readonly object[];
    }[];
  }[];
}

const ruleTests = readdirSync(join(root, 'test', 'rules')).flatMap((file) => {
  const { tests } = parse(readFileSync(join(root, 'test', 'rules', file), 'utf8')) as RuleTests;
  return tests.flatMap((one) => one.alert_rule_test);
});

describe('each alert', () => {
  test.each(alertRules())('$alert says what is wrong, how bad it is, and what to do', (rule) => {
    expect(rule.labels).toEqual({ severity: expect.stringMatching(/^(critical|warning|info)$/) });
    const { summary, description, runbook_url: runbook = '' } = rule.annotations;
    expect(summary).toMatch(/\.$/);
    expect(description).toMatch(/\.( \S+.*)?$/);
    expect(runbook).toMatch(new RegExp(`/docs/alerts\\.md#${rule.alert.toLowerCase()}$`));
    expect(guide).toContain(`\n### ${rule.alert}\n`);
    // In a table, so that who asks the question finds the alert.
    expect(guide).toMatch(new RegExp(`^\\| .*\\?.* \\|.*\`${rule.alert}\``, 'm'));
  });

  test('has series that make it fire, and others that do not', () => {
    const named = (isFiring: boolean) =>
      ruleTests
        .filter(({ exp_alerts }) => exp_alerts.length > 0 === isFiring)
        .map(({ alertname }) => alertname);
    const all = new Set(alertRules().map(({ alert }) => alert));
    expect(new Set(named(true))).toEqual(all);
    expect(new Set(named(false))).toEqual(all);
  });

  test('is described nowhere but where it is', () => {
    const described = [...guide.matchAll(/^### (Kuik\w+)$/gm)].map(([, name]) => name);
    expect(described.toSorted()).toEqual(
      alertRules()
        .map(({ alert }) => alert)
        .toSorted(),
    );
  });
});

test('what docs/alerts.md shows to be configured is YAML, and of the chart values that there are', () => {
  const values = parse(readFileSync(join(root, 'chart', 'values.yaml'), 'utf8'));
  const [example, ...others] = [...guide.matchAll(/```yaml\n(.+?)```/gs)].map(([, yaml = '']) =>
    parse(yaml),
  );
  expect(others).toEqual([{ inhibit_rules: expect.any(Array) }]);
  for (const [section, given] of Object.entries(example as object)) {
    expect(Object.keys(values[section])).toEqual(expect.arrayContaining(Object.keys(given)));
  }
  const { serviceMonitor } = example.manager;
  expect(Object.keys(values.manager.serviceMonitor)).toEqual(
    expect.arrayContaining(Object.keys(serviceMonitor)),
  );
});

test('no rule and no panel asks for a metric that kuik does not have', () => {
  const known = new Set<string>(Object.values(metricTable).map(([name]) => name));
  const asked = [...alertRules().map(({ expr }) => expr), ...dashboardExpressions()].flatMap(
    (expression) => expression.match(/\bkube_image_keeper_\w+/g) ?? [],
  );
  const unknown = asked.filter(
    (name) => !known.has(name) && !known.has(name.replace(/_(bucket|count|sum)$/, '')),
  );
  expect(asked.length).toBeGreaterThan(50);
  expect(unknown).toEqual([]);
});

test('docs/metrics.md has every metric, with what it says', () => {
  const rows = documentedMetrics().map(({ name, says }) => `${name}: ${says}`);
  expect(rows).toEqual(Object.values(metricTable).map(([name, says]) => `${name}: ${says}`));
});

test('docs/metrics.md has all that the contract names, with its labels', () => {
  const promised = promisedMetrics();
  expect(promised.length).toBeGreaterThan(15);
  const documented = new Map(documentedMetrics().map(({ name, labels }) => [name, labels]));
  const differing = promised.filter(({ name, labels }) => {
    const shown = documented.get(name);
    // Of those without labels there the contract says nothing but the name.
    return shown === undefined || (labels.length > 0 && `${shown}` !== `${labels}`);
  });
  expect(differing).toEqual([]);
});

test('the dashboard shows each metric of kuik, in panels that say what they show', () => {
  const panels = readDashboard().panels.filter(({ type }) => type !== 'row');
  expect(new Set(panels.map(({ id }) => id)).size).toBe(panels.length);
  for (const { title = '', description = '' } of panels) {
    expect(`${title}: ${description}`).toMatch(/^\S.+: \S.+\.$/);
  }
  const text = dashboardExpressions().join('\n');
  const notShown = Object.values(metricTable).filter(([name]) => !text.includes(name));
  // What routing hears of quotas on every replica says more than what checks alone hear.
  expect(notShown.map(([name]) => name).toSorted()).toEqual([
    'kube_image_keeper_monitoring_check_duration_seconds',
    'kube_image_keeper_monitoring_quota_remaining',
  ]);
});
