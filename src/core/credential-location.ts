import { type CredentialKey, keyServesRegistry } from './credential-key.ts';
import type { OpenedSecret } from './credentials.ts';
import type { DockerConfigEntry } from './docker-config.ts';
import { DOCKER_HUB, DOCKER_HUB_INDEX } from './image/reference.ts';
import type { Location } from './routing/location.ts';

/** Whether there may be an image at the location that the key serves. */
export function servesLocation(key: CredentialKey, { registry, path }: Location): boolean {
  if (registry === DOCKER_HUB && key.text === DOCKER_HUB_INDEX) return true;
  if (!keyServesRegistry(key, registry)) return false;
  const prefix = path === '' ? '/' : `/${path}`;
  return prefix.startsWith(key.path) || key.path.startsWith(prefix);
}

/**
 * Whether a copy that is lent for the location may hold the key: only what is equal, or lies below the
 * other at the border of a segment (behaviour §10): an entry for `/pay` lends no `/payroll`.
 */
export function lendsToLocation(key: CredentialKey, location: Location): boolean {
  if (!servesLocation(key, location)) return false;
  const [one, other] = [key.path, `/${location.path}`].map(
    (path) => `${path.replace(/\/+$/, '')}/`,
  );
  return (
    one !== undefined && other !== undefined && (one.startsWith(other) || other.startsWith(one))
  );
}

/** Whether the Secret holds anything with which an image at the location could be pulled. */
export function opensLocation({ entries }: OpenedSecret, location: Location): boolean {
  return entries.some(({ key, entry }) => servesLocation(key, location) && saysAnything(entry));
}

/** An entry without a user, a password or a token is as good as anonymous. */
function saysAnything(entry: DockerConfigEntry): boolean {
  const { username, password, identityToken = '', registryToken = '' } = entry;
  return [username, password, identityToken, registryToken].some((text) => text !== '');
}
