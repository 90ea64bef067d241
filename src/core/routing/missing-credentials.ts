import type { KuikResource } from '#api/kinds.ts';
import { opensLocation } from '#core/credential-location.ts';
import { dockerConfigTypes, openSecret, type SecretView } from '#core/credentials.ts';
import type { ReadyState } from '#core/ready-condition.ts';
import type { SecretAnswer, SecretName } from '#core/secret.ts';
import { type DeclaredSecret, declaredSecrets } from './declared-secrets.ts';

/** What a resource must be told of the Secrets it names (behaviour §6a); field and Secret by name. */
export function missingCredentials(
  resource: KuikResource,
  find: (secret: SecretName) => SecretAnswer | undefined,
): readonly ReadyState[] {
  return declaredSecrets(resource).flatMap((declared) => {
    const trouble = troubleOf(declared, find(declared.secret));
    if (trouble === undefined) return [];
    const { field, secret } = declared;
    const message = `${field}: Secret ${secret.namespace}/${secret.name} ${trouble}`;
    return [{ reason: 'CredentialsMissing' as const, message }];
  });
}

/** Whether everything is known that the resource is judged by. */
export function knowsCredentials(
  resource: KuikResource,
  find: (secret: SecretName) => SecretAnswer | undefined,
): boolean {
  return declaredSecrets(resource).every(({ secret }) => find(secret) !== undefined);
}

function troubleOf(
  { location }: DeclaredSecret,
  known: SecretAnswer | undefined,
): string | undefined {
  if (known === undefined) return undefined;
  if (known.kind === 'unreadable') {
    // An API server that is away says nothing of the Secret, and a resource nothing of that.
    return known.mayPass === true ? undefined : `was not read: ${known.message}`;
  }
  if (known.kind === 'missing') return 'does not exist';
  if (known.isCopy) return 'is a copy that kuik made, and no source of copies';
  if (location === undefined) return undefined;
  const opened = openSecret(known.secret);
  if (opensLocation(opened, location)) return undefined;
  const place = [location.registry, location.path].filter(Boolean).join('/');
  const [why] = opened.warnings;
  const because = why === undefined ? typeTrouble(known.secret) : ` (${why})`;
  return `holds no credential for ${place}${because}`;
}

function typeTrouble({ type }: SecretView): string {
  if (dockerConfigTypes.includes(type)) return '';
  return ` (expected type ${dockerConfigTypes.join(' or ')}, got ${type})`;
}
