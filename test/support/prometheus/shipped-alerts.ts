import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';

const files = join(import.meta.dirname, '..', '..', '..', 'chart', 'files');

/** One alert as it is shipped. */
export interface AlertRule {
  readonly alert: string;
  readonly expr: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
}

/** A dashboard, as far as it asks something. */
export interface Dashboard {
  readonly panels: readonly {
    readonly id: number;
    readonly type: string;
    readonly title?: string;
    readonly description?: string;
    readonly targets?: readonly { readonly expr: string; readonly legendFormat: string }[];
  }[];
}

/** All alerts, in their order. */
export function alertRules(): readonly AlertRule[] {
  const { groups } = parse(readFileSync(join(files, 'alerts.yaml'), 'utf8')) as {
    readonly groups: readonly { readonly rules: readonly AlertRule[] }[];
  };
  return groups.flatMap(({ rules }) => rules);
}

/** The dashboard as it is shipped. */
export function readDashboard(): Dashboard {
  return JSON.parse(readFileSync(join(files, 'dashboard.json'), 'utf8')) as Dashboard;
}

/** What Grafana puts in place of its variable, at a usual resolution. */
const rateInterval = '5m';

/** What the dashboard asks Prometheus, one expression a target. */
export function dashboardExpressions(): readonly string[] {
  return readDashboard()
    .panels.flatMap(({ targets = [] }) => targets)
    .map(({ expr }) => expr.replaceAll('$__rate_interval', rateInterval));
}
