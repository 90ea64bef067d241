import type { CopyFailure } from '#core/mirroring/copy-outcome.ts';
import { fail, type Result, succeed } from '#core/result.ts';
import { copyFailure } from './copy-failures.ts';
import { type Descriptor, type Manifest, readManifest } from './image-manifest.ts';
import { collectImages } from './image-tree.ts';
import { cutIndex, type Platform } from './index-cut.ts';
import type { RemoteRepository } from './remote-repository.ts';
import { getManifest, readSourceManifest, type WantedManifest } from './source-image.ts';

/** The parts of an image with their sizes, as its manifests say; no blob is read. */
export async function measureImage(
  repository: RemoteRepository,
  wanted: { readonly reference: string; readonly platforms: 'all' | readonly Platform[] },
  signal: AbortSignal,
): Promise<Result<readonly Descriptor[], CopyFailure>> {
  const { reference, platforms } = wanted;
  const got = await getManifest(repository, reference, signal);
  if (!got.ok) return got;
  const { body, headers } = got.value;
  const told = { mediaType: headers['content-type'], algorithm: 'sha256' };
  const read = readManifest(body, told);
  if (!read.ok) return fail(outOfBounds(`GET ${repository.name}:${reference}: ${read.error}`));
  const cut = platforms === 'all' ? { manifest: read.value } : cutIndex(read.value, platforms);
  if (cut === undefined) return fail(outOfBounds(`${repository.name}: has none of the platforms`));
  const manifest = (child: WantedManifest) => readSourceManifest(repository, child, signal);
  const tree = await collectImages({ manifest }, cut.manifest);
  return tree.ok ? succeed(tree.value.flatMap(partsOf)) : tree;
}

function partsOf({ digest, mediaType, bytes, content }: Manifest): readonly Descriptor[] {
  const itself = { digest, mediaType, size: bytes.length };
  return content.kind === 'image' ? [itself, ...content.blobs] : [itself];
}

function outOfBounds(message: string): CopyFailure {
  return copyFailure('source', 'out-of-bounds', message);
}
