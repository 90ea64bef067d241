import type { MirrorEntry } from '#api/image-set-mirror.ts';
import type { KuikResource } from '#api/kinds.ts';
import type { SecretName } from '#core/secret.ts';
import type { CompiledResource } from './compiled.ts';
import { type Location, readLocation } from './location.ts';

/** A Secret that an entry of a resource names, and what for. */
export interface DeclaredSecret {
  /** `spec.upstreams[0].credentialSecret`. */
  readonly field: string;
  readonly secret: SecretName;
  /** Where the entry's images lie; absent where the entry itself cannot be read. */
  readonly location?: Location;
  /** Whether a Pod may be lent a copy of it: what copies are pushed with stays at home. */
  readonly lent: boolean;
}

/**
 * All Secrets that a resource names, as it is written: a resource that is left out of routing for a
 * mistake elsewhere still declares them, so that the copies its Pods pull with are not taken away.
 */
export function declaredSecrets(resource: KuikResource): readonly DeclaredSecret[] {
  const { spec = {} } = resource;
  const upstreams = 'upstreams' in spec ? (spec.upstreams ?? []) : [];
  const mirrors = 'mirrors' in spec ? (spec.mirrors ?? []) : [];
  return [
    ...upstreams.flatMap((one, index) => declare(resource, one, `spec.upstreams[${index}]`)),
    ...mirrors.flatMap((one, index) => declare(resource, one, `spec.mirrors[${index}]`)),
  ];
}

/** An entry of either list, as far as it is read here. */
type WrittenEntry = Pick<
  MirrorEntry,
  'registry' | 'path' | 'credentialSecret' | 'pullCredentialSecret'
>;

function declare(
  { kind, metadata }: KuikResource,
  written: WrittenEntry,
  entry: string,
): readonly DeclaredSecret[] {
  return (['credentialSecret', 'pullCredentialSecret'] as const).flatMap((name) => {
    const secret = written[name];
    // Namespaced kinds use the Secrets of their own namespace alone, whatever is written.
    const namespace = kind.startsWith('Cluster') ? secret?.namespace : metadata.namespace;
    if (!secret?.name || !namespace) return [];
    const location = readLocation(written, entry);
    return {
      field: `${entry}.${name}`,
      secret: { namespace, name: secret.name },
      ...(location.ok && { location: location.value }),
      lent: name === 'pullCredentialSecret' || written.pullCredentialSecret === undefined,
    };
  });
}

/**
 * Where a resource in force lends this Secret: one copy serves all its entries. Whoever writes a
 * copy asks here, so that all write the same.
 */
export function lentLocations(
  resource: CompiledResource | undefined,
  secret: SecretName,
): readonly Location[] {
  return entriesOf(resource)
    .filter(({ credentialSecret }) => credentialSecret && isSame(credentialSecret, secret))
    .map(({ location }) => location);
}

function entriesOf(resource: CompiledResource | undefined) {
  if (resource?.type === 'set') return resource.upstreams;
  return resource?.type === 'mirror' ? resource.entries : [];
}

function isSame(left: SecretName, right: SecretName): boolean {
  return left.namespace === right.namespace && left.name === right.name;
}
