import { printsOf } from '#actors/registries/credential-order.ts';
import type { SecretReader } from '#actors/secrets/secret-reader.ts';
import { BoundedMap } from '#core/bounded-map.ts';
import {
  type Credential,
  credentialContent,
  findCredentials,
  openSecret,
} from '#core/credentials.ts';
import type { ImageReference } from '#core/image/reference.ts';
import { registryHost } from '#core/image/registry-host.ts';
import type { CopyPlace } from '#core/mirroring/copy-places.ts';
import type { CopySource } from '#core/mirroring/copy-sources.ts';
import type { ImageUse } from '#core/monitoring/use.ts';
import { CREDENTIALS_MAX } from '#core/probe.ts';
import type { SecretName } from '#core/secret.ts';

/** With what to push to a place, for one resource. */
export interface PushCredentials {
  /** In the order to try; none means anonymous. */
  readonly credentials: readonly Credential[];
  /** Why there may be too few of them; absent where the entry names no Secret, or it was read. */
  readonly trouble?: { readonly message: string; readonly mayPass: boolean };
}

/** Entries of resources whose last good credentials are remembered; more than a cluster has. */
const acceptedMax = 1_000;

/** Sets of Secrets, each with a registry, of which is remembered who they are. */
const readersMax = 1_000;

/**
 * With which credentials images are read and copies written: each resource has its own, and none is
 * ever used for another. What was let in is remembered, since on deletion a Secret may go first.
 */
export class MirrorCredentials {
  readonly #read: SecretReader['read'];
  /** Registry and Secrets → who reads with them, as it was last. */
  readonly #readers = new BoundedMap<string, readonly string[]>(readersMax);
  /** Resource and Secret → what was let in last. */
  readonly #accepted = new BoundedMap<string, readonly Credential[]>(acceptedMax);

  constructor({ read }: Pick<SecretReader, 'read'>) {
    this.#read = read;
  }

  /** The Pods' pull secrets, then what is declared for the source; anonymous where none matches. */
  readonly toRead = async (
    { reference, secrets }: CopySource,
    use: Pick<ImageUse, 'pullSecrets'> | undefined,
    signal: AbortSignal,
  ): Promise<readonly Credential[]> => {
    const pods = await this.#open((use?.pullSecrets ?? []).map(readName), reference, signal);
    const declared = await this.#open(secrets, reference, signal);
    const kept = pods.credentials.slice(
      0,
      Math.max(1, CREDENTIALS_MAX - declared.credentials.length),
    );
    const found = unique([...kept, ...declared.credentials]).slice(0, CREDENTIALS_MAX);
    const key = readersKey(reference, secretsOf({ secrets }, use));
    this.#readers.set(key, printsOf(found));
    return found;
  };

  /**
   * The Secrets that it may be read with, and who these are (`printsOf`), as far as that is known: of
   * Secrets that nobody has opened yet nobody knows.
   */
  readonly readers = (
    { reference, secrets: declared }: Pick<CopySource, 'reference' | 'secrets'>,
    use: Pick<ImageUse, 'pullSecrets'> | undefined,
  ): { readonly secrets: readonly string[]; readonly prints: readonly string[] } => {
    const secrets = secretsOf({ secrets: declared }, use);
    const known = this.#readers.get(readersKey(reference, secrets));
    return { secrets, prints: known ?? (secrets.length === 0 ? printsOf([]) : []) };
  };

  /** What the entry of the resource names. */
  readonly toPush = async (
    resource: string,
    { entry: { pushSecret }, reference }: CopyPlace,
    signal: AbortSignal,
  ): Promise<PushCredentials> => {
    if (pushSecret === undefined) return { credentials: [] };
    const opened = await this.#open([pushSecret], reference, signal);
    if (opened.credentials.length > 0) return opened;
    // It may be gone before the copies are: then what it held last must do.
    const credentials = this.#accepted.get(acceptedKey(resource, pushSecret)) ?? [];
    return { ...opened, credentials };
  };

  /** The registry of the place let these in. */
  readonly accept = (
    resource: string,
    { entry: { pushSecret } }: CopyPlace,
    { credentials }: PushCredentials,
  ): void => {
    if (pushSecret === undefined || credentials.length === 0) return;
    this.#accepted.set(acceptedKey(resource, pushSecret), credentials);
  };

  async #open(
    names: readonly SecretName[],
    reference: ImageReference,
    signal: AbortSignal,
  ): Promise<PushCredentials> {
    const answers = await Promise.all(names.map((name) => this.#read(name, signal)));
    const opened = answers.flatMap((answer) =>
      answer.kind === 'found' ? openSecret(answer.secret) : [],
    );
    const credentials = findCredentials(opened, reference);
    const at = answers.findIndex(({ kind }) => kind !== 'found');
    const lost = answers[at];
    if (lost === undefined || lost.kind === 'found') return { credentials };
    const why = lost.kind === 'missing' ? 'is missing' : `was not read: ${lost.message}`;
    const mayPass = lost.kind === 'unreadable' && lost.mayPass === true;
    return { credentials, trouble: { message: `Secret ${textOf(names[at])} ${why}`, mayPass } };
  }
}

function secretsOf(
  { secrets }: Pick<CopySource, 'secrets'>,
  use: Pick<ImageUse, 'pullSecrets'> | undefined,
): readonly string[] {
  return [...(use?.pullSecrets ?? []), ...secrets.map(textOf)];
}

function readersKey({ registry }: ImageReference, secrets: readonly string[]): string {
  return [registryHost(registry), ...secrets].join(' ');
}

function unique(credentials: readonly Credential[]): readonly Credential[] {
  const firsts = new Map<string, Credential>();
  for (const credential of credentials) {
    const content = credentialContent(credential);
    if (!firsts.has(content)) firsts.set(content, credential);
  }
  return [...firsts.values()];
}

function acceptedKey(resource: string, secret: SecretName): string {
  return `${resource} ${textOf(secret)}`;
}

function textOf(name: SecretName | undefined): string {
  return name === undefined ? '' : `${name.namespace}/${name.name}`;
}

function readName(text: string): SecretName {
  const slash = text.indexOf('/');
  return { namespace: text.slice(0, slash), name: text.slice(slash + 1) };
}
