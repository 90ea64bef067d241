import { createHash } from 'node:crypto';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { gunzip } from 'node:zlib';
import { unpackTar } from 'modern-tar';
import { fail, type Result, succeed } from '#core/result.ts';
import { type Architecture, imagePaths } from './image-runtime.ts';
import { keptOr, keptPath } from './kept-file.ts';
import type { LayerEntry } from './layer.ts';
import { type NodePackage, readPins } from './pins.ts';
import { runCommand } from './run-command.ts';

const decompress = promisify(gunzip);
/** What of the package goes into the image, and where. */
const members: ReadonlyMap<string, string> = new Map([
  ['package/bin/node', imagePaths.node.slice(1)],
  ['package/LICENSE', 'usr/share/doc/node/LICENSE'],
]);

/** Node itself, as npm has it for each architecture: the same that runs here. */
export async function nodeEntries(
  architecture: Architecture,
): Promise<Result<readonly LayerEntry[], string>> {
  const { version, packages } = readPins().node;
  const wanted = packages[architecture];
  const archive = await keptOr(
    keptPath(`${wanted.name}-${version}.tgz`),
    (bytes) => integrityOf(bytes) === wanted.integrity,
    () => packFromRegistry(wanted, version),
  );
  if (!archive.ok) return archive;
  const unpacked = await unpackTar(await decompress(archive.value), {
    filter: ({ name }) => members.has(name),
  });
  const entries = unpacked.map(({ header, data }): LayerEntry => {
    const path = members.get(header.name) ?? header.name;
    const content = data ?? new Uint8Array();
    return { kind: 'file', path, content, isExecutable: header.name.endsWith('/node') };
  });
  if (entries.length === members.size) return succeed(entries);
  return fail(`${wanted.name} ${version}: expected ${[...members.keys()].join(' and ')}`);
}

async function packFromRegistry(
  { name, integrity }: NodePackage,
  version: string,
): Promise<Result<Buffer, string>> {
  const directory = await mkdtemp(join(tmpdir(), 'kuik-node-'));
  try {
    // `npm ci` has fetched the one of this machine before: then no registry is asked.
    const args = ['pack', `${name}@${version}`, '--prefer-offline', '--ignore-scripts', '--silent'];
    const packed = await runCommand('npm', args, { cwd: directory });
    if (!packed.ok) return fail(`No ${name} ${version} from npm: ${packed.error}`);
    const bytes = await readFile(join(directory, packed.value.toString('utf8').trim()));
    const got = integrityOf(bytes);
    return got === integrity
      ? succeed(bytes)
      : fail(`${name} ${version}: expected ${integrity}, got ${got}`);
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

function integrityOf(bytes: Buffer): string {
  return `sha512-${createHash('sha512').update(bytes).digest('base64')}`;
}
