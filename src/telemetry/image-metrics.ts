import { Histogram } from 'prom-client';
import type { ImagesView } from '#core/monitoring/tracked-image.ts';
import { type AgeBuckets, ageBounds } from './age-buckets.ts';
import { forEachInTurns } from './in-turns.ts';
import { describe } from './metric-table.ts';
import { type ScrapedMetrics, subjectLabel } from './scraped.ts';

/** What is shown of the images themselves. */
export interface ImageMetricsOptions {
  readonly tracked: ImagesView;
  /** `metrics.imageLastMonitorAgeMinutes.legacy`. */
  readonly ageBuckets: AgeBuckets;
  /** Wall time in ms. */
  readonly now: () => number;
  /** Whether a registry is told apart however many there are. */
  readonly isKept?: (registry: string) => boolean;
}

const minuteMs = 60_000;
const labels = ['name', 'registry', 'status', 'used', 'original'] as const;

/** One series, and how many images are in it. */
interface Counted {
  readonly series: Readonly<Record<(typeof labels)[number], string>>;
  count: number;
}

/** Registers those that go through all images at each scrape. */
export function imageMetrics(scrape: ScrapedMetrics, options: ImageMetricsOptions): void {
  scrape.gauge('images', [...labels], async (gauge) => {
    // Counted first: to set a series costs many times what it takes to count an image.
    for (const { series, count } of await countImages(options)) {
      gauge.set({ ...series }, count);
    }
  });
  // A distribution of now, not of events, as in kuik v2.
  new Histogram({
    ...describe(scrape.registry, 'imageAge', ['name', 'registry']),
    buckets: ageBounds(options.ageBuckets),
    collect() {
      return scrape.inTurn(async () => {
        this.reset();
        await observeAges(this, options);
      });
    },
  });
}

async function countImages({ tracked, isKept }: ImageMetricsOptions): Promise<Iterable<Counted>> {
  const all = new Map<string, Counted>();
  const [names, registries] = [subjectLabel(), subjectLabel(isKept)];
  for (const resource of tracked.resources()) {
    const name = names.name(resource);
    await forEachInTurns(tracked.imagesOf(resource), (image) => {
      const { status, original, unusedSinceMs } = image;
      const registry = registries.name(image.registry);
      const used = unusedSinceMs === undefined;
      const key = `${name} ${registry} ${status} ${used} ${original}`;
      const known = all.get(key);
      if (known !== undefined) known.count += 1;
      else {
        const series = { name, registry, status, used: `${used}`, original: `${original}` };
        all.set(key, { series, count: 1 });
      }
    });
  }
  return all.values();
}

async function observeAges(
  histogram: Histogram<'name' | 'registry'>,
  { tracked, now, isKept }: ImageMetricsOptions,
): Promise<void> {
  const nowMs = now();
  const [names, registries] = [subjectLabel(), subjectLabel(isKept)];
  for (const resource of tracked.resources()) {
    const name = names.name(resource);
    await forEachInTurns(tracked.imagesOf(resource), ({ registry, lastMonitorMs }) => {
      if (lastMonitorMs === undefined) return;
      // A wall clock that was set back makes no negative age.
      const ageMinutes = Math.max(0, nowMs - lastMonitorMs) / minuteMs;
      histogram.observe({ name, registry: registries.name(registry) }, ageMinutes);
    });
  }
}
