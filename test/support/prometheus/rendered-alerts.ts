import { renderChart } from '#test/support/api-server/rendered-chart.ts';

/** What the chart makes for Prometheus and Grafana, by kind; and its Services, which are scraped. */
export async function renderAlerts(values: object) {
  const { objects } = await renderChart({ name: 'kuik', namespace: 'kuik-system' }, values);
  const find = (kind: string) => objects.filter((object) => object.kind === kind);
  return {
    rules: find('PrometheusRule'),
    monitors: find('ServiceMonitor'),
    services: find('Service'),
    dashboards: find('ConfigMap').filter(({ metadata }) => metadata.name?.endsWith('-dashboard')),
  };
}
