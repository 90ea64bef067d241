import { createCipheriv, createHash, randomUUID } from 'node:crypto';
import {
  type Descriptor,
  digestOf,
  type PushedManifest,
  pushBlob,
  pushManifest,
  pushStream,
  splitName,
} from './images.ts';
import type { RegistryAddress } from './registry-request.ts';

/** A layer of random bytes, or one that lies elsewhere and is only named. */
export type LayerOptions =
  | {
      readonly bytes: number;
      /** Equal seeds (and sizes) make equal layers; random unless told. */
      readonly seed?: string;
    }
  | { readonly foreign: string; readonly bytes: number };

/** What a layered image is made of. */
export interface LayeredImageOptions {
  readonly layers: readonly LayerOptions[];
  readonly architecture?: string;
  /** Docker's own types instead of OCI's. */
  readonly docker?: boolean;
}

/** An image with the blobs that it needs. */
export interface LayeredImage extends PushedManifest {
  readonly config: Descriptor;
  readonly layers: readonly Descriptor[];
}

const ociTypes = {
  manifest: 'application/vnd.oci.image.manifest.v1+json',
  config: 'application/vnd.oci.image.config.v1+json',
  layer: 'application/vnd.oci.image.layer.v1.tar+gzip',
  foreign: 'application/vnd.oci.image.layer.nondistributable.v1.tar+gzip',
};
const dockerTypes = {
  manifest: 'application/vnd.docker.distribution.manifest.v2+json',
  config: 'application/vnd.docker.container.image.v1+json',
  layer: 'application/vnd.docker.image.rootfs.diff.tar.gzip',
  foreign: 'application/vnd.docker.image.rootfs.foreign.diff.tar.gzip',
};

/** Pushes an image with these layers; their bytes are made as they are sent. */
export async function pushLayeredImage(
  registry: RegistryAddress,
  name: string,
  options: LayeredImageOptions,
): Promise<LayeredImage> {
  const { repository } = splitName(name);
  const types = options.docker === true ? dockerTypes : ociTypes;
  const layers: Descriptor[] = [];
  for (const layer of options.layers) {
    if ('foreign' in layer) {
      const { foreign, bytes } = layer;
      const digest = digestOf(Buffer.from(foreign));
      layers.push({ mediaType: types.foreign, digest, size: bytes, urls: [foreign] });
    } else {
      const random = randomBytesOf(layer.bytes, layer.seed);
      const pushed = await pushStream(registry, repository, random);
      layers.push({ mediaType: types.layer, ...pushed });
    }
  }
  const config = Buffer.from(
    JSON.stringify({
      architecture: options.architecture ?? 'amd64',
      os: 'linux',
      config: { Labels: { name } },
      rootfs: { type: 'layers', diff_ids: layers.map(({ digest }) => digest) },
    }),
  );
  await pushBlob(registry, repository, config);
  const described = { mediaType: types.config, digest: digestOf(config), size: config.length };
  const pushed = await pushManifest(registry, name, {
    mediaType: types.manifest,
    config: described,
    layers,
  });
  return { ...pushed, config: described, layers };
}

/** An OCI artifact that is no image: a chart, or one with the empty configuration of OCI 1.1. */
export async function pushArtifact(
  registry: RegistryAddress,
  name: string,
  kind: 'chart' | 'artifact' = 'chart',
): Promise<LayeredImage> {
  const { repository } = splitName(name);
  const config = Buffer.from(kind === 'chart' ? `{"name":"${repository}"}` : '{}');
  const content = Buffer.from(`content of ${name}`);
  for (const blob of [config, content]) await pushBlob(registry, repository, blob);
  const types =
    kind === 'chart'
      ? {
          config: 'application/vnd.cncf.helm.config.v1+json',
          layer: 'application/vnd.cncf.helm.chart.content.v1.tar+gzip',
        }
      : { config: 'application/vnd.oci.empty.v1+json', layer: 'application/x-test' };
  const manifest = {
    mediaType: ociTypes.manifest,
    ...(kind === 'artifact' && { artifactType: 'application/vnd.test.thing' }),
    config: { mediaType: types.config, digest: digestOf(config), size: config.length },
    layers: [{ mediaType: types.layer, digest: digestOf(content), size: content.length }],
  };
  return {
    ...(await pushManifest(registry, name, manifest)),
    config: manifest.config,
    layers: manifest.layers,
  };
}

const zeros = Buffer.alloc(262_144);

/** A key stream: as random as it needs to be, at the speed of the memory, and repeatable. */
export async function* randomBytesOf(
  bytes: number,
  seed: string = randomUUID(),
): AsyncGenerator<Buffer> {
  const key = createHash('sha256').update(seed).digest();
  const cipher = createCipheriv('aes-256-ctr', key, Buffer.alloc(16));
  for (let left = bytes; left > 0; left -= zeros.length) {
    yield cipher.update(zeros.subarray(0, Math.min(left, zeros.length)));
  }
}
