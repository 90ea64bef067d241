import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import type { Descriptor } from '#oci/image-manifest.ts';
import { type LayerEntry, packLayer } from '#scripts/image/layer.ts';
import {
  createLayout,
  mediaTypes,
  writeBlob,
  writeJson,
  writeLayoutIndex,
} from '#scripts/image/layout.ts';

/** What Helm knows an artifact as one of its charts by. */
const helmTypes = {
  configuration: 'application/vnd.cncf.helm.config.v1+json',
  archive: 'application/vnd.cncf.helm.chart.content.v1.tar+gzip',
} as const;

/** A chart as `helm package` makes it, and as `helm push` stores it. */
export interface ChartArtifact {
  /** `kuik-0.1.0.tgz`. */
  readonly fileName: string;
  readonly archive: Buffer;
  readonly manifest: Descriptor;
}

/** The description of a chart, as far as a release asks. */
export interface ChartMetadata {
  readonly name: string;
  readonly version: string;
  readonly appVersion: string;
  readonly description: string;
  readonly kubeVersion: string;
}

/** Reads `Chart.yaml`. */
export function readChartMetadata(chart: string): ChartMetadata {
  return parse(readFileSync(join(chart, 'Chart.yaml'), 'utf8'));
}

/** Packs a chart and writes it as an OCI image layout; the same chart has the same digests. */
export async function buildChartArtifact(
  chart: string,
  directory: string,
  createdSeconds = 0,
): Promise<ChartArtifact> {
  const metadata = readChartMetadata(chart);
  const { name, version, description } = metadata;
  const { bytes: archive } = await packLayer('chart', chartEntries(chart, name));
  await createLayout(directory);
  const config = await writeJson(directory, helmTypes.configuration, metadata);
  const layer = await writeBlob(directory, helmTypes.archive, archive);
  const manifest = await writeJson(directory, mediaTypes.manifest, {
    schemaVersion: 2,
    mediaType: mediaTypes.manifest,
    config,
    layers: [layer],
    annotations: {
      'org.opencontainers.image.created': new Date(createdSeconds * 1000).toISOString(),
      'org.opencontainers.image.description': description,
      'org.opencontainers.image.title': name,
      'org.opencontainers.image.version': version,
    },
  });
  await writeLayoutIndex(directory, manifest, chartTag(version));
  return { fileName: `${name}-${version}.tgz`, archive, manifest };
}

/** A tag has no plus: Helm writes an underscore for it, and reads it back. */
export function chartTag(version: string): string {
  return version.replaceAll('+', '_');
}

/** Helm wants all files below the chart's name. */
function chartEntries(chart: string, name: string): readonly LayerEntry[] {
  const files = readdirSync(chart, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name));
  return files.map((file) => {
    const path = `${name}/${file.slice(chart.length + 1)}`;
    return { kind: 'file', path, content: readFileSync(file) };
  });
}
