import type { KnownCopy } from '#core/routing/secret-copies.ts';
import type { SecretAnswer, SecretName } from '#core/secret.ts';
import type { KubeClient } from '#kube/client.ts';
import { hasCode, isRetryable } from '#kube/failures.ts';
import { type ResourcePlace, resourcePath } from '#kube/paths.ts';
import { ownerUidLabel } from './secret-copy.ts';

/** A Secret as the API server sends it, as far as it is read. */
export interface StoredSecret {
  readonly metadata?: {
    readonly namespace?: string;
    readonly name?: string;
    readonly labels?: Readonly<Record<string, string>>;
    readonly uid?: string;
    readonly resourceVersion?: string;
  };
  readonly type?: string;
  readonly data?: Readonly<Record<string, string>>;
}

/** One read of one Secret, its data decoded. */
export async function readSecret(
  client: Pick<KubeClient, 'call'>,
  name: SecretName,
  signal: AbortSignal,
): Promise<SecretAnswer> {
  const path = resourcePath(secretPlace(name));
  const answer = await client.call<StoredSecret>({ method: 'GET', path }, signal);
  if (answer.ok) return foundSecret(name, answer.value);
  const { error } = answer;
  if (hasCode(error, 404)) return { kind: 'missing' };
  const mayPass = error.kind !== 'status' || isRetryable(error);
  return { kind: 'unreadable', message: error.message, mayPass };
}

/** What a Secret of the API server says, its data decoded. */
export function foundSecret(
  { namespace, name }: SecretName,
  { metadata, type = '', data = {} }: StoredSecret,
): SecretAnswer {
  const decoded = Object.entries(data).map(([key, value]) => [
    key,
    Buffer.from(value, 'base64').toString('utf8'),
  ]);
  const secret = { namespace, name, type, data: Object.fromEntries(decoded) };
  return { kind: 'found', secret, isCopy: Object.hasOwn(metadata?.labels ?? {}, ownerUidLabel) };
}

/** Where the API server keeps a Secret. */
export function secretPlace({ namespace, name }: SecretName): ResourcePlace {
  return { group: '', version: 'v1', plural: 'secrets', namespace, name };
}

/** A copy that is in its place, as the API server has it. */
export interface PlacedCopy extends Pick<KnownCopy, 'namespace' | 'name' | 'ownerUid'> {
  /** `metadata.uid`: which object of that name it is. */
  readonly uid: string;
  /** `metadata.resourceVersion`. */
  readonly version: string;
}

/** Which copy a Secret of the API server is. */
export function placedCopy({ metadata = {} }: StoredSecret): PlacedCopy {
  const { namespace = '', name = '', uid = '', resourceVersion: version = '', labels } = metadata;
  return { namespace, name, uid, version, ownerUid: labels?.[ownerUidLabel] ?? '' };
}
