import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fail, type Result, succeed } from '#core/result.ts';
import { type Architecture, architectures } from '#scripts/image/image-runtime.ts';
import { sha256Of } from '#scripts/image/kept-file.ts';
import { makeImage } from '#scripts/image/make-image.ts';
import { billOfMaterials } from './bill-of-materials.ts';
import { buildChartArtifact } from './chart-artifact.ts';
import { checksums, checksumsFile } from './checksums.ts';
import { provenanceStatement, type ReleasedArtifact, type SourceRevision } from './provenance.ts';
import type { ReleaseVersions } from './release-versions.ts';

/** How a release is made. */
export interface ReleaseOptions {
  readonly root: string;
  /** Emptied first. */
  readonly directory: string;
  readonly base: string;
  /** All of them unless told. */
  readonly architectures?: readonly Architecture[];
  readonly builder: string;
  readonly versions: ReleaseVersions;
  readonly revision: SourceRevision | undefined;
  readonly onProgress: (text: string) => void;
}

/** Where the parts of a release are in its directory. */
export const releaseParts = {
  image: 'image',
  chart: 'chart',
  bill: 'sbom.cdx.json',
  provenance: 'provenance.intoto.json',
  notes: 'release-notes.md',
} as const;

/** Writes everything that a release is made of into one directory. */
export async function makeRelease(
  options: ReleaseOptions,
): Promise<Result<readonly ReleasedArtifact[], string>> {
  const { root, directory, versions, revision, onProgress } = options;
  rmSync(directory, { recursive: true, force: true });
  mkdirSync(directory, { recursive: true });
  const write = (name: string, content: string | Buffer): ReleasedArtifact => {
    writeFileSync(join(directory, name), content);
    return { name, digest: `sha256:${sha256Of(Buffer.from(content))}` };
  };
  const createdSeconds = revision?.seconds ?? 0;
  const image = await makeImage({
    directory: join(directory, releaseParts.image),
    architectures: options.architectures ?? architectures,
    base: options.base,
    createdSeconds,
    ...(revision !== undefined && { revision: revision.commit }),
    onProgress: (text) => onProgress(`image ${text}`),
  });
  if (!image.ok) return fail(`image: ${image.error}`);
  onProgress('chart');
  const chartLayout = join(directory, releaseParts.chart);
  const chart = await buildChartArtifact(join(root, 'chart'), chartLayout, createdSeconds);
  onProgress('bill of materials, provenance, checksums');
  const artifacts = [
    { name: 'kuik', digest: image.value.digest },
    { name: 'charts/kuik', digest: chart.manifest.digest },
    write(chart.fileName, chart.archive),
    write(releaseParts.bill, billOfMaterials(root, { createdSeconds, base: options.base })),
  ];
  const { version } = versions;
  const statement = provenanceStatement(artifacts, { ...options, version });
  write(releaseParts.provenance, `${JSON.stringify(statement, undefined, 2)}\n`);
  write(releaseParts.notes, `${versions.notes}\n`);
  write(checksumsFile, checksums(directory));
  return succeed(artifacts);
}
