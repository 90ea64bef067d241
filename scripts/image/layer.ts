import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import { packTar } from 'modern-tar';
import { digestOf } from '#oci/image-manifest.ts';

/** A file, link or directory of a layer; owned by root, so that the image's user changes nothing. */
export type LayerEntry = {
  /** Without a slash at its beginning. */
  readonly path: string;
} & (
  | { readonly kind: 'file'; readonly content: Uint8Array; readonly isExecutable?: boolean }
  | { readonly kind: 'link'; readonly target: string }
  | { readonly kind: 'directory'; readonly mode?: number }
);

/** A layer as a registry keeps it. */
export interface PackedLayer {
  readonly bytes: Buffer;
  /** Of the archive before it was compressed. */
  readonly diffId: string;
  /** Said in the image's history. */
  readonly title: string;
}

const compress = promisify(gzip);
/** What gzip writes of the system that it ran on: unknown, whichever it was. */
const gzipSystem = { offset: 9, unknown: 255 };

/** Packs a layer; the same entries make the same bytes, whenever and wherever. */
export async function packLayer(
  title: string,
  entries: readonly LayerEntry[],
): Promise<PackedLayer> {
  const archive = Buffer.from(await packEntries(entries));
  const bytes = await compress(archive);
  bytes[gzipSystem.offset] = gzipSystem.unknown;
  return { bytes, diffId: digestOf(archive), title };
}

/** Packs a tar archive of these entries and of the directories above them, in order. */
export async function packEntries(entries: readonly LayerEntry[]): Promise<Uint8Array> {
  const byPath = new Map<string, LayerEntry>();
  for (const { path } of entries) {
    for (const above of directoriesAbove(path))
      byPath.set(above, { kind: 'directory', path: above });
  }
  for (const entry of entries) byPath.set(entry.path, entry);
  const sorted = [...byPath.values()].toSorted((left, right) => (left.path < right.path ? -1 : 1));
  return await packTar(sorted.map(tarEntry));
}

function directoriesAbove(path: string): string[] {
  const names = path.split('/').slice(0, -1);
  return names.map((_, index) => names.slice(0, index + 1).join('/'));
}

const owned = { uid: 0, gid: 0, uname: '', gname: '', mtime: new Date(0) };

function tarEntry(entry: LayerEntry) {
  const { path } = entry;
  if (entry.kind === 'directory') {
    const mode = entry.mode ?? 0o755;
    return { header: { ...owned, name: `${path}/`, type: 'directory' as const, size: 0, mode } };
  }
  if (entry.kind === 'link') {
    const link = { type: 'symlink' as const, linkname: entry.target, size: 0, mode: 0o777 };
    return { header: { ...owned, name: path, ...link } };
  }
  const mode = entry.isExecutable === true ? 0o755 : 0o644;
  const size = entry.content.byteLength;
  return {
    header: { ...owned, name: path, type: 'file' as const, size, mode },
    body: entry.content,
  };
}
