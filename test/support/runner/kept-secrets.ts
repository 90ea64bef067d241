import { spawnSync } from 'node:child_process';
import {
  appendFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';

/**
 * Every secret that a run's tests use, and all that the operators in them have said: what is found in
 * both has leaked. Both stand in files below the directory that this variable names, since tests run in
 * processes of their own; without it (benches, unit tests) nothing is kept.
 */
export const keptVariable = 'KUIK_TEST_KEPT';

/** Shorter ones are words that anybody may say. */
const secretCharactersMin = 8;
const secretsFile = 'secrets';
const saidDirectory = 'said';

/** Remembers a secret that must never be seen in what the operator says. */
export function keepSecret(secret: string): void {
  const directory = process.env[keptVariable];
  if (directory === undefined) return;
  // A key of several lines is looked for line by line, whole ones as good as parts.
  const lines = secret
    .split('\n')
    .filter((line) => line.length >= secretCharactersMin && !line.startsWith('-----'));
  if (lines.length > 0) appendFileSync(join(directory, secretsFile), `${lines.join('\n')}\n`);
}

/** Remembers all that a Secret holds, and what is within where it opens registries. */
export function keepSecretObject(object: unknown): void {
  const { data = {}, stringData = {} } = (object ?? {}) as SecretData;
  const texts = [
    ...Object.entries(data).map(([key, value]) => [key, fromBase64(value)] as const),
    ...Object.entries(stringData),
  ].filter((entry): entry is [string, string] => typeof entry[1] === 'string');
  for (const [key, text] of texts) {
    keepSecret(Buffer.from(text).toString('base64').replace(/=+$/, ''));
    if (key === 'tls.key' || key === 'ca.key') keepSecret(text);
    if (key.startsWith('.dockerc')) keepCredentials(text);
  }
}

/** Remembers what the operator or the API server said of it: a log, metrics, an answer, events. */
export function keepSaid(where: string, text: string): void {
  const directory = process.env[keptVariable];
  if (directory === undefined || text === '') return;
  const file = join(directory, saidDirectory, `${process.pid}-${where.replaceAll(/\W+/g, '-')}`);
  appendFileSync(file, `${text}\n`);
}

/** Begins to keep both for this run; answers with undefined where a run around this one does. */
export function beginKeeping(directory: string): string | undefined {
  if (process.env[keptVariable] !== undefined) return undefined;
  process.env[keptVariable] = directory;
  mkdirSync(join(directory, saidDirectory), { recursive: true });
  writeFileSync(join(directory, secretsFile), '');
  return directory;
}

/** What was found, and in how much it was looked for. */
export interface LeakSearch {
  readonly secrets: number;
  readonly saidFiles: number;
  /** Where, with a little of what stands around it: `metrics-…:…`. */
  readonly leaks: readonly string[];
}

/** So much of what stands before a leak says where it comes from. */
const shownBefore = 120;
const leaksShown = 10;

/** Looks for every secret in everything that was said. */
export function findLeaks(directory: string): LeakSearch {
  const patterns = join(directory, secretsFile);
  const secrets = new Set(readFileSync(patterns, 'utf8').split('\n').filter(Boolean));
  const said = join(directory, saidDirectory);
  const saidFiles = existsSync(said) ? readdirSync(said).length : 0;
  if (secrets.size === 0) return { secrets: 0, saidFiles, leaks: [] };
  writeFileSync(patterns, `${[...secrets].join('\n')}\n`);
  // Thousands of patterns in a hundred megabytes: grep takes a second, a loop here would take minutes.
  const found = spawnSync('grep', ['-rFohbf', patterns, said, '--with-filename'], {
    ...{ encoding: 'utf8', env: { LC_ALL: 'C' }, maxBuffer: 64 * 1024 * 1024 },
  });
  if (found.status !== 0 && found.status !== 1) {
    throw new Error(`Expected grep to look for secrets, got: ${found.error ?? found.stderr}`);
  }
  const lines = found.stdout.split('\n').filter(Boolean);
  return { secrets: secrets.size, saidFiles, leaks: lines.slice(0, leaksShown).map(describe) };
}

function describe(line: string): string {
  const [, file = '', at = '0', secret = ''] = /^(.*?):(\d+):(.*)$/.exec(line) ?? [];
  const bytes = readFileSync(file);
  const before = bytes.subarray(Math.max(0, Number(at) - shownBefore), Number(at)).toString();
  return `${file.slice(file.lastIndexOf('/') + 1)}: …${before}[${secret.slice(0, 4)}…]`;
}

interface SecretData {
  readonly data?: Readonly<Record<string, string>>;
  readonly stringData?: Readonly<Record<string, string>>;
}

interface Credential {
  readonly username?: unknown;
  readonly [field: string]: unknown;
}

/** What opens a registry: passwords and tokens, and the pair as it goes over the wire. */
function keepCredentials(text: string): void {
  const entries = Object.values(parseCredentials(text)).filter((entry) => entry instanceof Object);
  for (const { username, password, auth, identitytoken, registrytoken } of entries) {
    const pair = Buffer.from(`${username}:${password}`).toString('base64').replace(/=+$/, '');
    const secrets = [password, auth, identitytoken, registrytoken, password && pair];
    for (const secret of secrets) if (typeof secret === 'string') keepSecret(secret);
  }
}

/** The older type has what `auths` holds at its top; a broken one has nothing that could be told apart. */
function parseCredentials(text: string): Readonly<Record<string, Credential>> {
  try {
    const config = JSON.parse(text);
    return config?.auths ?? config ?? {};
  } catch {
    return {};
  }
}

function fromBase64(value: unknown): string | undefined {
  return typeof value === 'string' ? Buffer.from(value, 'base64').toString() : undefined;
}
