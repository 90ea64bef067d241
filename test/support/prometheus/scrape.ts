import type { ScrapedSeries } from './promql.ts';

/** What Prometheus knows of where it scrapes, and puts on each of its series. */
export type TargetLabels = Readonly<Record<string, string>>;

interface KeptSeries extends ScrapedSeries {
  readonly samples: [number, number][];
}

/** Keeps what is scraped, as a Prometheus that honours the labels of what it scrapes. */
export class Scrapes {
  readonly #series = new Map<string, KeptSeries>();
  /** The names that the last scrape of each target declares, be there series of them or not. */
  readonly declared = new Set<string>();

  /** One scrape of a page of metrics, as if it had been made at a time (ms). */
  readonly add = (page: string, target: TargetLabels, atMs: number): void => {
    for (const line of page.split('\n')) {
      const type = /^# TYPE (\S+) (\S+)$/.exec(line);
      if (type !== null)
        for (const name of namesOf(type[1] ?? '', type[2])) this.declared.add(name);
      const sample = /^([A-Za-z_:][\w:]*)(?:\{(.*)\})? (\S+)$/.exec(line);
      if (sample === null) continue;
      const [, name = '', given = '', value] = sample;
      const labels = { ...target, ...readLabels(given), __name__: name };
      const key = JSON.stringify(Object.entries(labels).toSorted());
      const series: KeptSeries = this.#series.get(key) ?? { labels, samples: [] };
      series.samples.push([atMs, numberOf(value)]);
      this.#series.set(key, series);
    }
  };

  readonly all = (): readonly ScrapedSeries[] => [...this.#series.values()];

  /** The label names that series of a metric have, taken together. */
  readonly labelsOf = (metric: string): ReadonlySet<string> =>
    new Set(
      this.all()
        .filter(({ labels }) => labels['__name__'] === metric)
        .flatMap(({ labels }) => Object.keys(labels)),
    );
}

function namesOf(name: string, type: string | undefined): readonly string[] {
  if (type !== 'histogram') return [name];
  return [`${name}_bucket`, `${name}_sum`, `${name}_count`];
}

function readLabels(text: string): TargetLabels {
  const pairs = [...text.matchAll(/(\w+)="((?:[^"\\]|\\.)*)"/g)].map(
    ([, name = '', value = '']) => [
      name,
      // Prometheus 3 writes the bounds of buckets as floats, whoever wrote them how.
      name === 'le' && /^\d+$/.test(value) ? `${value}.0` : value,
    ],
  );
  return Object.fromEntries(pairs) as TargetLabels;
}

/** JSON has no infinity; no expression of ours reads one. */
function numberOf(value: string | undefined): number {
  const number = Number(value);
  return Number.isFinite(number) ? number : 0;
}
