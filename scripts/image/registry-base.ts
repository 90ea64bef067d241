import { formatReference } from '#core/image/reference.ts';
import { fail, type Result, succeed } from '#core/result.ts';
import type { Descriptor } from '#oci/image-manifest.ts';
import type { ImageBase } from './build-image.ts';
import { pullIntoLayout, type RemoteImage } from './copy-layout.ts';
import { type Architecture, architectures } from './image-runtime.ts';
import { mediaTypes, readJsonBlob } from './layout.ts';

/** Layers of an image in a registry, such as distroless, below Node; read by our own copier. */
export function registryBase(directory: string, remote: RemoteImage) {
  let pulled: ReturnType<typeof pullIntoLayout> | undefined;
  return async (architecture: Architecture): Promise<Result<ImageBase, string>> => {
    // Once for all architectures: their manifests come with the index.
    pulled ??= pullIntoLayout(directory, remote, wantedPlatforms);
    const outcome = await pulled;
    if (outcome.kind === 'failed') return fail(outcome.message);
    const top = await readJsonBlob(directory, outcome.digest);
    const manifest = await manifestFor(directory, top, architecture);
    if (manifest !== undefined) return await layersOf(directory, manifest);
    return fail(`${formatReference(remote.reference)} has no image for linux/${architecture}`);
  };
}

const wantedPlatforms = architectures.map((architecture) => ({ os: 'linux', architecture }));

interface ImageManifest {
  readonly config: Descriptor;
  readonly layers: readonly Descriptor[];
}

async function manifestFor(
  directory: string,
  top: {
    readonly manifests?: readonly (Descriptor & {
      readonly platform?: { readonly os: string; readonly architecture: string };
    })[];
  } & ImageManifest,
  architecture: Architecture,
): Promise<ImageManifest | undefined> {
  if (top.manifests === undefined) {
    const { architecture: own } = await readJsonBlob(directory, top.config.digest);
    return own === architecture ? top : undefined;
  }
  const child = top.manifests.find(
    ({ platform }) => platform?.os === 'linux' && platform.architecture === architecture,
  );
  return child === undefined ? undefined : await readJsonBlob(directory, child.digest);
}

/** In OCI's media types, whatever the base has: both name the same bytes. */
async function layersOf(
  directory: string,
  { config, layers }: ImageManifest,
): Promise<Result<ImageBase, string>> {
  const { rootfs } = await readJsonBlob(directory, config.digest);
  const types: Readonly<Record<string, string>> = {
    [mediaTypes.layer]: mediaTypes.layer,
    'application/vnd.docker.image.rootfs.diff.tar.gzip': mediaTypes.layer,
    'application/vnd.oci.image.layer.v1.tar+zstd': 'application/vnd.oci.image.layer.v1.tar+zstd',
    'application/vnd.oci.image.layer.v1.tar': 'application/vnd.oci.image.layer.v1.tar',
  };
  const unknown = layers.find(({ mediaType }) => types[mediaType] === undefined);
  if (unknown !== undefined) return fail(`a base with layers of ${unknown.mediaType} is not known`);
  const known = layers.map(({ digest, size, mediaType }, index) => ({
    descriptor: { digest, size, mediaType: types[mediaType] ?? mediaType },
    diffId: String(rootfs.diff_ids[index]),
  }));
  return succeed({ kind: 'layers', layers: known });
}
