import { configCharactersMax, dockerConfigField } from '#core/credentials.ts';
import { readOwn } from '#core/json.ts';
import type { KnownCopy } from '#core/routing/secret-copies.ts';
import type { SecretAnswer, SecretName } from '#core/secret.ts';
import type { ApiFailure, KubeClient } from '#kube/client.ts';
import { hasCode, isRetryableCode } from '#kube/failures.ts';
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
    readonly ownerReferences?: readonly { readonly uid?: string }[];
  };
  readonly type?: string;
  readonly data?: Readonly<Record<string, string>>;
}

/** Of a character of text at most three bytes, of three bytes four characters; and one more. */
const base64CharactersMax = 4 * configCharactersMax + 4;

/** One read of one Secret, its docker config decoded. */
export async function readSecret(
  client: Pick<KubeClient, 'call'>,
  name: SecretName,
  signal: AbortSignal,
): Promise<SecretAnswer> {
  const path = resourcePath(secretPlace(name));
  const answer = await client.call<StoredSecret>({ method: 'GET', path }, signal);
  if (answer.ok) return foundSecret(name, answer.value);
  const { error } = answer;
  return hasCode(error, 404) ? { kind: 'missing' } : unreadableSecret(error);
}

/**
 * What a failed read says. Where the roles leave a Secret out (behaviour §3.11), people are told that
 * and no more: the API server's own words name our account, and Pods' authors see them.
 */
export function unreadableSecret(
  failure: Pick<ApiFailure, 'message'> & { readonly code?: number | undefined },
): SecretAnswer & { readonly kind: 'unreadable' } {
  const { code, message } = failure;
  if (code === 403) return { kind: 'unreadable', message: noRight, mayPass: false };
  const mayPass = code === undefined || isRetryableCode(code);
  return { kind: 'unreadable', message, mayPass };
}

const noRight = 'kuik has no right to read Secrets there';

/** What a Secret of the API server says: its docker config is all that is ever read of it. */
export function foundSecret(
  { namespace, name }: SecretName,
  { metadata, type = '', data = {} }: StoredSecret,
): SecretAnswer {
  const field = dockerConfigField({ type });
  const written = field === undefined ? undefined : data[field];
  // Of the largest only so much that it is seen to be too large.
  const text = Buffer.from(written?.slice(0, base64CharactersMax) ?? '', 'base64').toString('utf8');
  const kept = field === undefined || written === undefined ? {} : { [field]: text };
  const secret = { namespace, name, type, data: kept };
  return { kind: 'found', secret, isCopy: isOurCopy({ metadata: { ...metadata, name } }) };
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

/**
 * Whether a Secret may be a copy of ours (behaviour §10): by its name and label, and by its owner,
 * which those of kuik v2 are without. Whether the name fits is for whoever knows the source to say.
 */
export function isOurCopy({ metadata = {} }: StoredSecret): boolean {
  const { name = '', labels = {}, ownerReferences = [] } = metadata;
  const ownerUid = readOwn(labels, ownerUidLabel);
  if (ownerUid === undefined || !copyName.test(name)) return false;
  return ownerReferences.length === 0 || ownerReferences.some(({ uid }) => uid === ownerUid);
}

/** As `secretCopyName` makes them. */
const copyName = /^kuik-.+-[0-9a-f]{16}$/;

/** Which copy a Secret of the API server is. */
export function placedCopy({ metadata = {} }: StoredSecret): PlacedCopy {
  const { namespace = '', name = '', uid = '', resourceVersion: version = '', labels } = metadata;
  return { namespace, name, uid, version, ownerUid: labels?.[ownerUidLabel] ?? '' };
}
