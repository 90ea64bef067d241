import { type ChartValue, readChartValues } from './chart-values.ts';

/** The text of `docs/chart.md`: every value of the chart. */
export function chartPage(): string {
  return [
    '# The values of the chart',
    '',
    'Made from `chart/values.yaml` by `node scripts/generate-config-docs.ts`; a test compares. Helm',
    'checks them by `chart/values.schema.json`: an unknown value, or one of another type, stops',
    '`helm install` with its place. Values that kuik v2’s chart has are named as there.',
    '',
    '```sh',
    'helm install kuik oci://REGISTRY/charts/kuik --namespace kuik-system --create-namespace',
    '```',
    '',
    '| value | default | meaning |',
    '| --- | --- | --- |',
    ...listValues(readChartValues(), ''),
    '',
  ].join('\n');
}

function listValues(values: readonly ChartValue[], path: string): readonly string[] {
  return values.flatMap((value) => {
    const here = path === '' ? value.name : `${path}.${value.name}`;
    if (value.values !== undefined) return listValues(value.values, here);
    const cells = [`\`${here}\``, `\`${JSON.stringify(value.default)}\``, value.description];
    // A bar inside a cell would end it.
    return `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
  });
}
