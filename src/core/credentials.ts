import { memoize } from './bounded-map.ts';
import { compare } from './compare.ts';
import { type CredentialKey, keyServesRegistry, readCredentialKey } from './credential-key.ts';
import { type DockerConfigEntry, readDockerConfig } from './docker-config.ts';
import { DOCKER_HUB, DOCKER_HUB_INDEX, type ImageReference } from './image/reference.ts';
import { readOwn } from './json.ts';
import { CREDENTIALS_MAX } from './probe.ts';

/** One user name and password, or token, for one registry. Never logged, never shown. */
export interface Credential extends Omit<DockerConfigEntry, 'key'> {
  /** Where it came from, safe to show: `<namespace>/<secret>`. */
  readonly source: string;
  /** The key of the docker config that matched, as written; safe to show. */
  readonly key?: string;
}

/** A Secret as the API server sends it, with its data decoded to text. */
export interface SecretView {
  readonly namespace: string;
  readonly name: string;
  readonly type: string;
  readonly data: Readonly<Record<string, string>>;
}

/** A Secret whose docker config was read; worth keeping as long as the Secret stays the same. */
export interface OpenedSecret {
  /** `<namespace>/<name>`. */
  readonly source: string;
  /** The entries whose host and port are those of a registry; looked for once. */
  readonly serving: (registry: string) => OpenedSecret['entries'];
  /** The entries of its docker config, each under its key. */
  readonly entries: readonly { readonly key: CredentialKey; readonly entry: DockerConfigEntry }[];
  /** What was skipped and why, each with the Secret's name; no secret is in it. */
  readonly warnings: readonly string[];
}

/** Opened once for as long as anybody holds the Secret. */
const remembered = new WeakMap<SecretView, OpenedSecret>();

/** Reads the docker config of a Secret; other types, and empty ones, hold nothing (behaviour §2). */
export function openSecret(secret: SecretView): OpenedSecret {
  const known = remembered.get(secret);
  if (known !== undefined) return known;
  const opened = readSecret(secret);
  remembered.set(secret, opened);
  return opened;
}

/**
 * Tells credentials apart by what they open, wherever they come from: a copied Secret opens what its
 * source does. It holds the password and is never shown.
 */
export function credentialContent(credential: Credential): string {
  const { username, password, identityToken = '', registryToken = '' } = credential;
  return JSON.stringify([username, password, identityToken, registryToken]);
}

/** The types of Secrets that hold a docker config (behaviour §2). */
export const dockerConfigTypes: readonly string[] = [
  'kubernetes.io/dockerconfigjson',
  'kubernetes.io/dockercfg',
];

/** Under which key a Secret holds its docker config; undefined where it is of another type. */
export function dockerConfigField({ type }: Pick<SecretView, 'type'>): string | undefined {
  return dockerConfigTypes.includes(type) ? type.replace('kubernetes.io/', '.') : undefined;
}

/** Characters of a docker config that is read: a hundred registries need a tenth of it. */
export const configCharactersMax = 256 * 1024;
/** Registries in one docker config that is read. */
const configKeysMax = 1_000;
/** Registries for which a Secret remembers what serves them. */
const registriesMax = 64;

function readSecret(secret: SecretView): OpenedSecret {
  const source = `${secret.namespace}/${secret.name}`;
  const { entries, warnings } = readEntries(secret);
  const serving = memoize(registriesMax, (registry) =>
    entries.filter(({ key }) => keyServesRegistry(key, registry)),
  );
  return {
    source,
    entries,
    serving,
    warnings: warnings.map((text) => `Secret ${source}: ${text}`),
  };
}

function readEntries(secret: SecretView): Pick<OpenedSecret, 'entries' | 'warnings'> {
  const field = dockerConfigField(secret);
  const text = field === undefined ? undefined : readOwn(secret.data, field);
  if (field === undefined || !text) return { entries: [], warnings: [] };
  if (text.length > configCharactersMax) {
    return { entries: [], warnings: [`expected at most ${configCharactersMax} characters`] };
  }
  const config = readDockerConfig(text, field, configKeysMax);
  if (!config.ok) return { entries: [], warnings: [config.error] };
  const warnings = [...config.value.warnings];
  const entries: OpenedSecret['entries'][number][] = [];
  for (const entry of config.value.entries) {
    const key = readCredentialKey(entry.key);
    if (key === undefined) warnings.push(`${entry.key.slice(0, 80)}: expected a host and a path`);
    else entries.push({ key, entry });
  }
  return { entries, warnings };
}

/**
 * The credentials for an image, in the kubelet's order: keys in reverse alphabetical order (the
 * longer path of a host first, an exact host before a glob), under one key in the order of the
 * Secrets and of their files. Docker Hub's old key serves Docker Hub, where no other key does.
 */
export function findCredentials(
  secrets: readonly OpenedSecret[],
  image: ImageReference,
): readonly Credential[] {
  const path = `/${image.path}`;
  const found = secrets.flatMap(({ source, serving }) =>
    serving(image.registry).flatMap((one) =>
      path.startsWith(one.key.path) ? [{ source, ...one }] : [],
    ),
  );
  const used = found.length > 0 || image.registry !== DOCKER_HUB ? found : hubIndex(secrets);
  return used
    .toSorted((left, right) => compare(right.key.text, left.key.text))
    .map(({ source, entry }) => ({ source, ...entry }));
}

/** Docker Hub's old key. */
function hubIndex(secrets: readonly OpenedSecret[]) {
  return secrets.flatMap(({ source, entries }) =>
    entries.flatMap((one) => (one.key.text === DOCKER_HUB_INDEX ? [{ source, ...one }] : [])),
  );
}

/** Whose credential is tried: the Pod can pull with its own, with another's only with a copy. */
export interface OwnedCredential {
  readonly credential: Credential;
  readonly of: 'pod' | 'entry';
}

/**
 * The credentials to try for one candidate, at most five (behaviour §2): the entry's own first, then
 * the Pod's; for the original the Pod's first, then those of the upstreams that it matches. None at
 * all means anonymous. A credential that both have counts as the Pod's and is tried once.
 */
export function credentialsToTry(given: {
  readonly entry: readonly Credential[];
  readonly pod: readonly Credential[];
  readonly original: boolean;
}): readonly OwnedCredential[] {
  const pod = given.pod.map((credential) => ({ credential, of: 'pod' as const }));
  const own = given.entry.map((credential) => ({ credential, of: 'entry' as const }));
  const ordered = given.original ? [...pod, ...own] : [...own, ...pod];
  const firsts = new Map<string, OwnedCredential>();
  for (const one of ordered) {
    const content = credentialContent(one.credential);
    const first = firsts.get(content);
    // One that both have keeps the place in which it came first.
    if (first === undefined || (one.of === 'pod' && first.of === 'entry')) firsts.set(content, one);
  }
  return [...firsts.values()].slice(0, CREDENTIALS_MAX);
}
