import { unpackTar } from 'modern-tar';
import { type Result, succeed } from '#core/result.ts';
import { packageField, packageFiles, pinnedPackages } from './debian-packages.ts';
import type { Architecture } from './image-runtime.ts';
import type { LayerEntry } from './layer.ts';
import { readPins } from './pins.ts';
import { systemFiles, textFile } from './system-files.ts';

/**
 * The least of Debian that Node runs on: no shell, no package manager. What scanners read to know
 * which packages these are is there (as distroless images have it), and their licences.
 */
export async function debianBase(
  architecture: Architecture,
): Promise<Result<readonly LayerEntry[], string>> {
  const packages = await pinnedPackages(architecture);
  if (!packages.ok) return packages;
  const entries: LayerEntry[] = [...systemFiles(), release()];
  for (const deb of packages.value) {
    const brought = await entriesOf(deb);
    if (!brought.ok) return brought;
    entries.push(...brought.value);
  }
  return succeed(entries);
}

function release(): LayerEntry {
  const { release: name, version } = readPins().debian;
  const lines = {
    PRETTY_NAME: `kuik on Debian GNU/Linux ${version} (${name})`,
    NAME: 'Debian GNU/Linux',
    ID: 'debian',
    VERSION_ID: version,
    VERSION_CODENAME: name,
  };
  const text = Object.entries(lines).map(([key, value]) => `${key}="${value}"\n`);
  return textFile('etc/os-release', text.join(''));
}

/** Libraries that programs are linked with, what loads them, and the licence; nothing else. */
const wanted = [
  /^(usr\/)?lib(64)?\/([\w-]+-linux-gnu\/)?[^/]+\.so(\.\d+)*$/,
  /^usr\/share\/doc\/[^/]+\/copyright$/,
];

async function entriesOf(deb: Buffer): Promise<Result<readonly LayerEntry[], string>> {
  const [name, description, files] = [
    await packageField(deb, 'Package'),
    await packageField(deb),
    await packageFiles(deb),
  ];
  if (!name.ok) return name;
  if (!description.ok) return description;
  if (!files.ok) return files;
  const unpacked = await unpackTar(files.value, {
    filter: (header) => wanted.some((one) => one.test(pathOf(header))),
  });
  const entries = unpacked.map(({ header, data }): LayerEntry => {
    const path = pathOf(header);
    if (header.type === 'symlink') return { kind: 'link', path, target: header.linkname ?? '' };
    const isExecutable = ((header.mode ?? 0) & 0o111) !== 0;
    return { kind: 'file', path, content: data ?? new Uint8Array(), isExecutable };
  });
  const status = `${description.value}\n`;
  return succeed([...entries, textFile(`var/lib/dpkg/status.d/${name.value}`, status)]);
}

/** Debian's archives begin their names with a dot. */
function pathOf({ name }: { readonly name: string }): string {
  return name.replace(/^\.\//, '');
}
