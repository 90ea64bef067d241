import { readFileSync } from 'node:fs';
import { join } from 'node:path';

const docs = join(import.meta.dirname, '..', '..', '..', 'docs');
const prefix = 'kube_image_keeper_';

/** One metric as a document tells of it. */
export interface DocumentedMetric {
  readonly name: string;
  readonly labels: readonly string[];
  readonly says: string;
  readonly isHistogram: boolean;
}

/** The table of docs/metrics.md. */
export function documentedMetrics(): readonly DocumentedMetric[] {
  const text = readFileSync(join(docs, 'metrics.md'), 'utf8');
  const rows = text.matchAll(/^\| `([a-z_]+)` \| (.*?) ?\| (.+) \|$/gm);
  return [...rows]
    .filter(([, name = '']) => name.includes('_') || name === 'actors')
    .map(([, name = '', labels = '', says = '']) => ({
      name: `${prefix}${name}`,
      labels: [...labels.matchAll(/`(\w+)`/g)].map(([, label = '']) => label),
      says: says.replace(' (a histogram)', ''),
      isHistogram: says.includes(' (a histogram)'),
    }));
}

/** What the contract names with its labels (docs/behaviour.md, section 8). */
export function promisedMetrics(): readonly Pick<DocumentedMetric, 'name' | 'labels'>[] {
  const text = readFileSync(join(docs, 'behaviour.md'), 'utf8');
  const begin = text.indexOf("- Metrics keep kuik's names");
  const paragraph = text.slice(begin, text.indexOf('\n## ', begin));
  const named = paragraph.matchAll(/`([a-z_]*[a-z]_[a-z_]+)(?:\{([a-z,]+)\})?`/g);
  return [...named]
    .filter(([, name = '']) => !name.endsWith('_') && name !== 'is_leader')
    .map(([, name = '', labels]) => ({
      name: `${prefix}${name.replace(prefix, '').replace(/^_/, '')}`,
      labels: labels?.split(',') ?? [],
    }));
}
