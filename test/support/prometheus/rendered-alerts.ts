import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { parseManifests } from '#test/support/api-server/rendered-rights.ts';
import { findBinary } from '#test/support/binaries/binaries.ts';

const chart = join(import.meta.dirname, '..', '..', '..', 'chart');

/** What the chart makes for Prometheus and Grafana, by kind; and its Services, which are scraped. */
export async function renderAlerts(values: object) {
  const helm = await findBinary('helm');
  const args = ['template', 'kuik', chart, '--namespace', 'kuik-system', '--values', '-'];
  const text = execFileSync(helm, args, { input: JSON.stringify(values), encoding: 'utf8' });
  const objects = parseManifests(text);
  const find = (kind: string) => objects.filter((object) => object.kind === kind);
  return {
    rules: find('PrometheusRule'),
    monitors: find('ServiceMonitor'),
    services: find('Service'),
    dashboards: find('ConfigMap').filter(({ metadata }) => metadata.name?.endsWith('-dashboard')),
  };
}
