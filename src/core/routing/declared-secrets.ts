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
    ...upstreams.flatMap((upstream, index) => {
      const entry = `spec.upstreams[${index}]`;
      return declare(resource, upstream, { entry, name: 'credentialSecret', lent: true });
    }),
    ...mirrors.flatMap((mirror, index) => {
      const entry = `spec.mirrors[${index}]`;
      const pullsApart = mirror.pullCredentialSecret !== undefined;
      return [
        ...declare(resource, mirror, { entry, name: 'credentialSecret', lent: !pullsApart }),
        ...declare(resource, mirror, { entry, name: 'pullCredentialSecret', lent: true }),
      ];
    }),
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
  at: {
    readonly entry: string;
    readonly name: 'credentialSecret' | 'pullCredentialSecret';
    readonly lent: boolean;
  },
): readonly DeclaredSecret[] {
  const secret = written[at.name];
  // Namespaced kinds use the Secrets of their own namespace alone, whatever is written.
  const namespace = kind.startsWith('Cluster') ? secret?.namespace : metadata.namespace;
  if (!secret?.name || !namespace) return [];
  const location = readLocation(written, at.entry);
  return [
    {
      field: `${at.entry}.${at.name}`,
      secret: { namespace, name: secret.name },
      ...(location.ok && { location: location.value }),
      lent: at.lent,
    },
  ];
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
