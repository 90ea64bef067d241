import type { CopyFailure } from '#core/mirroring/copy-outcome.ts';
import { fail, type Result, succeed } from '#core/result.ts';
import { copyFailure } from './copy-failures.ts';
import type { Child, Manifest } from './image-manifest.ts';
import { inLanes } from './lanes.ts';
import type { SourceReader } from './source-image.ts';

/** All manifests of an image, children before their parents, itself last. */
export type ImageTree = readonly Manifest[];

/** Behaviour §5: an index in an index in an index and no deeper. */
const DEPTH_MAX = 3;
/** All manifests of an image are held until they are sent: real ones have 10 KB each. */
const MANIFEST_BYTES_SUM_MAX = 16 * 1024 * 1024;
/** Manifests read at once. */
const LANES = 4;

/** Reads all manifests below one. */
export async function collectImages(
  reader: Pick<SourceReader, 'manifest'>,
  top: Manifest,
): Promise<Result<ImageTree, CopyFailure>> {
  const levels: Manifest[][] = [[top]];
  const known = new Set([top.digest]);
  let bytes = top.bytes.length;
  for (let level = levels[0] ?? []; level.length > 0; level = levels.at(-1) ?? []) {
    const wanted = level.flatMap(childrenOf).filter(({ digest }) => !known.has(digest));
    if (wanted.length > 0 && levels.length > DEPTH_MAX) return fail(tooDeep(top));
    const below = new Map<string, Manifest>();
    const read = await inLanes(uniqueOf(wanted), LANES, async (child) => {
      const got = await reader.manifest(child);
      if (!got.ok) return got;
      below.set(child.digest, got.value);
      bytes += got.value.bytes.length;
      return bytes > MANIFEST_BYTES_SUM_MAX ? fail(tooLarge(top)) : got;
    });
    if (!read.ok) return read;
    levels.push([...below.values()]);
    for (const digest of below.keys()) known.add(digest);
  }
  return succeed(levels.toReversed().flat());
}

/** The manifests of an index. */
export function childrenOf({ content }: Manifest): readonly Child[] {
  return content.kind === 'index' ? content.children : [];
}

function uniqueOf(children: readonly Child[]): readonly Child[] {
  return [...new Map(children.map((child) => [child.digest, child])).values()];
}

function tooDeep({ digest }: Manifest): CopyFailure {
  const message = `${digest}: expected indexes of at most ${DEPTH_MAX} levels, got more`;
  return copyFailure('source', 'out-of-bounds', message);
}

function tooLarge({ digest }: Manifest): CopyFailure {
  const message = `${digest}: expected manifests of at most ${MANIFEST_BYTES_SUM_MAX} bytes together`;
  return copyFailure('source', 'out-of-bounds', message);
}
