import { fail, mapUntilFailure, type Result, succeed } from '#core/result.ts';
import { version } from '#core/version.ts';
import type { Descriptor } from '#oci/image-manifest.ts';
import { type Architecture, runtimeConfiguration } from './image-runtime.ts';
import { type LayerEntry, type PackedLayer, packLayer } from './layer.ts';
import { createLayout, mediaTypes, writeBlob, writeJson, writeLayoutIndex } from './layout.ts';

/** What stands below Node in the image of one architecture. */
export type ImageBase =
  | { readonly kind: 'entries'; readonly entries: readonly LayerEntry[] }
  | { readonly kind: 'layers'; readonly layers: readonly BaseLayer[] };

/** A layer that is in the layout already, with what an image says of it. */
export interface BaseLayer {
  readonly descriptor: Descriptor;
  readonly diffId: string;
}

/** What an image is made of. */
export interface ImageParts {
  readonly architectures: readonly Architecture[];
  /** After the layout was begun, so that it may put layers there. */
  readonly base: (architecture: Architecture) => Promise<Result<ImageBase, string>>;
  readonly node: (architecture: Architecture) => Promise<Result<readonly LayerEntry[], string>>;
  readonly application: readonly LayerEntry[];
}

/** How it is described. */
export interface ImageOptions {
  readonly directory: string;
  /** In seconds since the epoch; the default is its beginning, whatever the clock says. */
  readonly createdSeconds?: number;
  /** The commit that it was made from. */
  readonly revision?: string;
  /** Told of each architecture before it is made. */
  readonly onProgress?: (text: string) => void;
}

/** Writes an OCI image layout with one image for each architecture; its index's descriptor. */
export async function buildImage(
  parts: ImageParts,
  options: ImageOptions,
): Promise<Result<Descriptor, string>> {
  const { directory } = options;
  await createLayout(directory);
  const application = await packLayer('kuik and its packages', parts.application);
  const images = await Promise.all(
    parts.architectures.map(async (architecture) => {
      options.onProgress?.(`linux/${architecture}`);
      const layers = await layersOf(parts, architecture, directory);
      if (!layers.ok) return fail(`linux/${architecture}: ${layers.error}`);
      const all = [...layers.value, await store(directory, application)];
      const manifest = await writeImage(all, architecture, options);
      return succeed({ ...manifest, platform: { architecture, os: 'linux' } });
    }),
  );
  const manifests = mapUntilFailure(images, (image) => image);
  if (!manifests.ok) return manifests;
  const top = await writeJson(directory, mediaTypes.index, {
    schemaVersion: 2,
    mediaType: mediaTypes.index,
    manifests: manifests.value,
    annotations: labels(options),
  });
  await writeLayoutIndex(directory, top, version);
  return succeed(top);
}

interface StoredLayer extends BaseLayer {
  readonly title: string;
}

async function layersOf(
  parts: ImageParts,
  architecture: Architecture,
  directory: string,
): Promise<Result<readonly StoredLayer[], string>> {
  const base = await parts.base(architecture);
  if (!base.ok) return base;
  const node = await parts.node(architecture);
  if (!node.ok) return node;
  const layers: StoredLayer[] =
    base.value.kind === 'layers'
      ? base.value.layers.map((layer) => ({ ...layer, title: 'base image' }))
      : [await store(directory, await packLayer('libraries', base.value.entries))];
  return succeed([...layers, await store(directory, await packLayer('Node', node.value))]);
}

async function store(directory: string, packed: PackedLayer): Promise<StoredLayer> {
  const { bytes, diffId, title } = packed;
  return { descriptor: await writeBlob(directory, mediaTypes.layer, bytes), diffId, title };
}

async function writeImage(
  layers: readonly StoredLayer[],
  architecture: Architecture,
  options: ImageOptions,
): Promise<Descriptor> {
  const created = createdAt(options);
  const config = await writeJson(options.directory, mediaTypes.configuration, {
    created,
    architecture,
    os: 'linux',
    config: { ...runtimeConfiguration, Labels: labels(options) },
    rootfs: { type: 'layers', diff_ids: layers.map(({ diffId }) => diffId) },
    history: layers.map(({ title }) => ({ created, created_by: 'npm run image', comment: title })),
  });
  return await writeJson(options.directory, mediaTypes.manifest, {
    schemaVersion: 2,
    mediaType: mediaTypes.manifest,
    config,
    layers: layers.map(({ descriptor }) => descriptor),
  });
}

function createdAt({ createdSeconds = 0 }: ImageOptions): string {
  return new Date(createdSeconds * 1000).toISOString();
}

function labels(options: ImageOptions): Readonly<Record<string, string>> {
  const { revision } = options;
  return {
    'org.opencontainers.image.created': createdAt(options),
    'org.opencontainers.image.licenses': 'Apache-2.0',
    ...(revision !== undefined && { 'org.opencontainers.image.revision': revision }),
    'org.opencontainers.image.title': 'kuik',
    'org.opencontainers.image.version': version,
  };
}
