import { createHash } from 'node:crypto';
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { type Result, succeed } from '#core/result.ts';
import { cacheRoot } from '#test/support/binaries/binaries.ts';

/** Where downloads are kept for the next image, beside the programs that tests start. */
export function keptPath(...names: readonly string[]): string {
  return join(cacheRoot(process.env), 'image', ...names);
}

/** Some bytes that were kept before, or that are fetched and kept now; never those of another. */
export async function keptOr(
  path: string,
  isRight: (bytes: Buffer) => boolean,
  fetch: () => Promise<Result<Buffer, string>>,
): Promise<Result<Buffer, string>> {
  const kept = await readFile(path).catch(() => undefined);
  if (kept !== undefined && isRight(kept)) return succeed(kept);
  const fetched = await fetch();
  if (!fetched.ok) return fetched;
  await mkdir(dirname(path), { recursive: true });
  // Two images may be built at once: each file appears whole.
  const partial = `${path}.${process.pid}`;
  await writeFile(partial, fetched.value);
  await rename(partial, path);
  return fetched;
}

/** The checksum of some bytes, in hex digits. */
export function sha256Of(bytes: Buffer): string {
  return createHash('sha256').update(bytes).digest('hex');
}
