import { readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { sha256Of } from '#scripts/image/kept-file.ts';

/** The file of checksums, beside what it lists. */
export const checksumsFile = 'SHA256SUMS';

/** One line a file, as `sha256sum --check` reads them, sorted by path. */
export function checksums(directory: string): string {
  const files = readdirSync(directory, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => relative(directory, join(entry.parentPath, entry.name)))
    .filter((path) => path !== checksumsFile)
    .toSorted();
  const lines = files.map((path) => `${sha256Of(readFileSync(join(directory, path)))}  ${path}\n`);
  return lines.join('');
}
