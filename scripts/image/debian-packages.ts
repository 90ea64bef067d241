import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fail, type Result, succeed } from '#core/result.ts';
import type { Architecture } from './image-runtime.ts';
import { keptOr, keptPath, sha256Of } from './kept-file.ts';
import { type DebianPackage, readPins } from './pins.ts';
import { runCommand } from './run-command.ts';

/** The packages that Node needs of a system; the first has the licence of the two after it. */
export const debianPackageNames = ['gcc-12-base', 'libgcc-s1', 'libstdc++6', 'libc6'] as const;

/** Who signs what the mirrors serve. */
const keyring = '/usr/share/keyrings/debian-archive-keyring.gpg';

/** The pinned packages of one architecture, fetched from Debian's mirrors where they are not kept. */
export async function pinnedPackages(
  architecture: Architecture,
): Promise<Result<readonly Buffer[], string>> {
  const { release, packages } = readPins().debian;
  const wanted = packages[architecture];
  // One question to Debian for all that is missing.
  let fetching: ReturnType<typeof fetchPackages> | undefined;
  const fetch = async (one: DebianPackage): Promise<Result<Buffer, string>> => {
    fetching ??= fetchPackages(wanted.map(versioned), architecture, release);
    return checked(one, await fetching);
  };
  const found: Buffer[] = [];
  for (const one of wanted) {
    const kept = await keptOr(
      keptPath(`${one.name}_${one.version}_${architecture}.deb`),
      (bytes) => sha256Of(bytes) === one.sha256,
      () => fetch(one),
    );
    if (!kept.ok) return fail(`No ${versioned(one)} for ${architecture}: ${kept.error}`);
    found.push(kept.value);
  }
  return succeed(found);
}

function versioned({ name, version }: DebianPackage): string {
  return `${name}=${version}`;
}

function checked(
  { name, sha256 }: DebianPackage,
  fetched: Result<ReadonlyMap<string, Buffer>, string>,
): Result<Buffer, string> {
  if (!fetched.ok) {
    const advice = 'where Debian has a newer version, `npm run image -- --pin` takes that';
    return fail(`${fetched.error} (${advice})`);
  }
  const bytes = fetched.value.get(name);
  if (bytes === undefined) return fail(`expected ${name} from Debian, got none`);
  const got = sha256Of(bytes);
  return got === sha256 ? succeed(bytes) : fail(`expected SHA-256 ${sha256}, got ${got}`);
}

/** What Debian has now, to be pinned. */
export async function newestPackages(
  architecture: Architecture,
  release: string,
): Promise<Result<readonly DebianPackage[], string>> {
  const fetched = await fetchPackages(debianPackageNames, architecture, release);
  if (!fetched.ok) return fetched;
  const pinned: DebianPackage[] = [];
  for (const name of debianPackageNames) {
    const bytes = fetched.value.get(name) ?? Buffer.alloc(0);
    const version = await packageField(bytes, 'Version');
    if (!version.ok) return version;
    pinned.push({ name, version: version.value, sha256: sha256Of(bytes) });
  }
  return succeed(pinned);
}

/** One field of a package's description, or all of it. */
export async function packageField(deb: Buffer, field?: string): Promise<Result<string, string>> {
  return await withFile(deb, async (path) => {
    const said = await runCommand('dpkg-deb', ['--field', path, ...(field ? [field] : [])]);
    return said.ok ? succeed(said.value.toString('utf8').trim()) : said;
  });
}

/** The files of a package, as a tar archive. */
export async function packageFiles(deb: Buffer): Promise<Result<Buffer, string>> {
  return await withFile(deb, (path) => runCommand('dpkg-deb', ['--fsys-tarfile', path]));
}

async function withFile<T>(bytes: Buffer, use: (path: string) => Promise<T>): Promise<T> {
  const directory = await mkdtemp(join(tmpdir(), 'kuik-deb-'));
  try {
    const path = join(directory, 'package.deb');
    await writeFile(path, bytes);
    return await use(path);
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

/** Asks apt with a state of its own: this machine's packages and sources are left alone. */
async function fetchPackages(
  wanted: readonly string[],
  architecture: Architecture,
  release: string,
): Promise<Result<ReadonlyMap<string, Buffer>, string>> {
  const directory = await mkdtemp(join(tmpdir(), 'kuik-apt-'));
  try {
    const environment = await prepareApt(directory, architecture, release);
    const updated = await runCommand('apt-get', ['update', '-qq'], environment);
    if (!updated.ok) return updated;
    const got = await runCommand('apt-get', ['download', '-qq', ...wanted], environment);
    if (!got.ok) return got;
    const files = (await readdir(directory)).filter((name) => name.endsWith('.deb'));
    const read = files.map(async (file) => {
      const [name = ''] = file.split('_');
      return [name, await readFile(join(directory, file))] as const;
    });
    return succeed(new Map(await Promise.all(read)));
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

async function prepareApt(directory: string, architecture: Architecture, release: string) {
  const state = join(directory, 'state');
  const cache = join(directory, 'cache');
  await mkdir(join(state, 'lists', 'partial'), { recursive: true });
  await mkdir(join(cache, 'archives', 'partial'), { recursive: true });
  await writeFile(join(directory, 'status'), '');
  const signed = `[signed-by=${keyring}]`;
  const mirror = 'http://deb.debian.org';
  await writeFile(
    join(directory, 'sources.list'),
    [
      `deb ${signed} ${mirror}/debian ${release} main`,
      `deb ${signed} ${mirror}/debian ${release}-updates main`,
      `deb ${signed} ${mirror}/debian-security ${release}-security main`,
      '',
    ].join('\n'),
  );
  const configuration = join(directory, 'apt.conf');
  const lines = {
    'Dir::State': state,
    'Dir::State::status': join(directory, 'status'),
    'Dir::Cache': cache,
    'Dir::Etc::sourcelist': join(directory, 'sources.list'),
    'Dir::Etc::sourceparts': '-',
    'APT::Architecture': architecture,
    'APT::Architectures': architecture,
    'APT::Sandbox::User': 'root',
    'Acquire::Languages': 'none',
    'Acquire::IndexTargets::deb::DEP-11::DefaultEnabled': 'false',
    'Acquire::Retries': '1',
    'Acquire::http::Timeout': '10',
    // Without it, a mirror that cannot be reached is only a warning.
    'APT::Update::Error-Mode': 'any',
  };
  const text = Object.entries(lines).map(([name, value]) => `${name} "${value}";\n`);
  await writeFile(configuration, text.join(''));
  return { cwd: directory, env: { ...process.env, APT_CONFIG: configuration, LC_ALL: 'C' } };
}
