import { hash } from 'node:crypto';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { type KuikResource, resourceName } from '#api/kinds.ts';
import type { SecretView } from '#core/credentials.ts';
import { scopeMatchesNamespace } from '#core/filter/scope.ts';
import { declaredSecrets, lentLocations } from '#core/routing/declared-secrets.ts';
import type { CopySource } from '#core/routing/secret-copies.ts';
import type { RoutingTable } from '#core/routing/table.ts';
import { type SecretAnswer, type SecretName, secretNameText } from '#core/secret.ts';
import { reduceSecret, type SecretOwner, secretCopyName } from './secret-copy.ts';

/** A Secret that a resource lends, with what its copies hold. */
export interface LentSecret extends CopySource {
  readonly owner: SecretOwner;
  /** Absent with `content`. */
  readonly reduced?: SecretView;
}

/** All Secrets that resources lend, each once a resource. */
export async function lentSecrets(
  table: RoutingTable,
  find: (name: SecretName) => SecretAnswer | undefined,
): Promise<readonly LentSecret[]> {
  const lent: LentSecret[] = [];
  for (const { resource } of table.entries.values()) {
    for (const secret of namesOf(resource)) {
      const one = await lentSecret(table, resource, { secret, found: find(secret) });
      if (one !== undefined) lent.push(one);
      // To read a large Secret takes milliseconds, and many resources may name it.
      if (one?.reduced !== undefined) await nextTurn();
    }
  }
  return lent;
}

function namesOf(resource: KuikResource): readonly SecretName[] {
  const lent = declaredSecrets(resource).filter((declared) => declared.lent);
  return [...new Map(lent.map(({ secret }) => [secretNameText(secret), secret])).values()];
}

async function lentSecret(
  table: RoutingTable,
  resource: KuikResource,
  { secret, found }: { readonly secret: SecretName; readonly found: SecretAnswer | undefined },
): Promise<LentSecret | undefined> {
  const { name, uid } = resource.metadata;
  if (uid === undefined) return undefined;
  const owner = { kind: resource.kind, name, uid };
  const copyName = await secretCopyName(secret, owner);
  const compiled = table.find(resourceName(resource));
  const lendsTo = (namespace: string) =>
    compiled !== undefined &&
    // Where the Secret itself lives no copy is needed.
    namespace !== secret.namespace &&
    scopeMatchesNamespace(compiled.scope, namespace);
  // A copy is never itself a source.
  const isSource = found?.kind === 'found' && !found.isCopy;
  const reduced = isSource
    ? reduceSecret(found.secret, lentLocations(compiled, secret))
    : undefined;
  return {
    ...{ ownerUid: uid, owner, copyName, lendsTo },
    ...(reduced !== undefined && { reduced, content: hashContent(reduced) }),
  };
}

/** Hashed: what is remembered of a copy holds no credential. */
function hashContent({ type, data }: SecretView): string {
  return hash('sha256', JSON.stringify([type, data]), 'base64');
}
