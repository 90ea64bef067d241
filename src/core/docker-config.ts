import { isObject, parseJson } from './json.ts';
import { fail, type Result, succeed } from './result.ts';

/** User and password, or tokens, under one key of a docker config, in the order of the file. */
export interface DockerConfigEntry {
  /** The key as written. */
  readonly key: string;
  readonly username: string;
  readonly password: string;
  /** An OAuth2 refresh token. */
  readonly identityToken?: string;
  /** A ready bearer token. */
  readonly registryToken?: string;
}

/** A docker config as far as it could be read. */
export interface DockerConfig {
  readonly entries: readonly DockerConfigEntry[];
  /** One sentence for each entry that is skipped; no secret is ever in it. */
  readonly warnings: readonly string[];
}

/**
 * Reads `.dockerconfigjson` or the older `.dockercfg`. What the kubelet refuses whole is read as far
 * as it goes here: one broken entry spoils no other (behaviour §2). `field` is the Secret's.
 */
export function readDockerConfig(text: string, field: string): Result<DockerConfig, string> {
  // The engine's own message would quote the text, passwords included.
  const content = parseJson(text);
  if (content === undefined) return fail('expected JSON');
  if (content !== null && !isObject(content)) return fail('expected a JSON object');
  // Go reads null as nothing at all.
  const hosts = (field === '.dockercfg' ? content : fieldOf(content, 'auths')) ?? {};
  if (!isObject(hosts)) return fail('expected an object of registries');
  const entries: DockerConfigEntry[] = [];
  const warnings: string[] = [];
  for (const [key, value] of Object.entries(hosts)) {
    const entry = readEntry(key, value);
    if (entry.ok) entries.push(entry.value);
    else warnings.push(`${key}: ${entry.error}`);
  }
  return succeed({ entries, warnings });
}

function readEntry(key: string, value: unknown): Result<DockerConfigEntry, string> {
  if (value !== null && !isObject(value)) return fail('expected an object');
  const texts = ['username', 'password', 'email', 'auth'].map((name) => fieldOf(value, name));
  if (texts.some((text) => text !== undefined && typeof text !== 'string')) {
    return fail('expected username, password, email and auth to be text');
  }
  const [username = '', password = '', , auth = ''] = texts as readonly (string | undefined)[];
  const pair = auth === '' ? succeed({ username, password }) : readAuth(auth);
  if (!pair.ok) return pair;
  const identityToken = textOf(fieldOf(value, 'identitytoken'));
  const registryToken = textOf(fieldOf(value, 'registrytoken'));
  return succeed({
    key,
    ...pair.value,
    ...(identityToken !== undefined && { identityToken }),
    ...(registryToken !== undefined && { registryToken }),
  });
}

/** `auth` is base64 of user, colon, password; padded or not, line breaks ignored. */
function readAuth(auth: string): Result<{ username: string; password: string }, string> {
  const compact = auth.replaceAll(/[\r\n]/g, '');
  const padded = compact.endsWith('=');
  const whole = padded ? compact.length % 4 === 0 : compact.length % 4 !== 1;
  if (!whole || !/^[A-Za-z0-9+/]*={0,2}$/.test(compact)) return fail('expected auth in base64');
  const bytes = Uint8Array.from(atob(compact), (character) => character.charCodeAt(0));
  const text = new TextDecoder('utf-8', { ignoreBOM: true }).decode(bytes);
  const colon = text.indexOf(':');
  if (colon === -1) return fail('expected a user and a password with a colon between, in auth');
  return succeed({ username: text.slice(0, colon), password: text.slice(colon + 1) });
}

/** A field as Go finds it: in any case, the last one that is not null. */
function fieldOf(object: unknown, name: string): unknown {
  if (!isObject(object)) return undefined;
  return Object.entries(object).findLast(
    ([key, value]) => value !== null && key.toLowerCase() === name,
  )?.[1];
}

function textOf(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined;
}
