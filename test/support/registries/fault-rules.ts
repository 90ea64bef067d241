import type { FaultRule } from './fault-registry.ts';
import type { Fault } from './faults.ts';

const uploads = /\/blobs\/uploads\//;

/** An answer in the registries' own form of an error. */
export function refusedWith(
  status: number,
  code: string,
  headers: Readonly<Record<string, string>> = {},
): Fault & { readonly kind: 'answer' } {
  return {
    kind: 'answer',
    status,
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify({ errors: [{ code, message: `${code} by a test` }] }),
  };
}

/** Mounts are answered so: 401 at Harbor, 400 at Docker Hub, 403, 404; a plain POST is served. */
export function mountRefused(status: number): FaultRule {
  const fault = refusedWith(status, 'DENIED');
  return { method: 'POST', path: uploads, query: /\bmount=/, fault };
}

/** A mount is an upload like any other: 202. */
export const mountIgnored: FaultRule = {
  method: 'POST',
  path: uploads,
  query: /\bmount=/,
  fault: { kind: 'strip-query' },
};

/** Tags cannot be deleted: 405 at distribution 2, 400 elsewhere; digests can. */
export function tagDeletionRefused(status: 400 | 404 | 405): FaultRule {
  const fault = refusedWith(status, 'UNSUPPORTED');
  return { method: 'DELETE', path: /\/manifests\/(?![a-z0-9]+:)[^/]+$/, fault };
}

/** Nothing can be deleted, as at Docker Hub. */
export const deletionRefused: FaultRule = {
  method: 'DELETE',
  path: /\/manifests\//,
  fault: refusedWith(405, 'UNSUPPORTED'),
};

/** The tag is there and what it needs is not: a child or a blob with this digest. */
export function dangling(digest: string): FaultRule {
  return { path: new RegExp(`/${digest}$`), fault: refusedWith(404, 'BLOB_UNKNOWN') };
}

/**
 * Says of every blob that it is there, whether it is or not; the real registry behind then answers
 * the manifest that needs it with MANIFEST_BLOB_UNKNOWN.
 */
export function claimsBlobs(times: number): FaultRule {
  const fault: Fault = { kind: 'answer', status: 200, headers: { 'content-length': '1' } };
  return { method: 'HEAD', path: /\/blobs\/sha256:/, times, fault };
}

/** A manifest is answered so, whatever the registry has: MANIFEST_BLOB_UNKNOWN, 400 or 404. */
export function blobUnknown(status: 400 | 404, times = 1): FaultRule {
  const fault = refusedWith(status, 'MANIFEST_BLOB_UNKNOWN');
  return { method: 'PUT', path: /\/manifests\//, times, fault: { ...fault, kind: 'late-answer' } };
}

/** A storm of 429; `retryAfterS` where it says until when. */
export function tooManyRequests(times: number, retryAfterS?: number): FaultRule {
  const headers = retryAfterS === undefined ? {} : { 'retry-after': String(retryAfterS) };
  return { path: /^\/v2\/./, times, fault: refusedWith(429, 'TOOMANYREQUESTS', headers) };
}

/** The PUT of a blob is answered before its body is read: 401, 413 or 507. */
export function uploadRefusedEarly(
  status: 401 | 413 | 507,
  ending: 'close' | 'reset' = 'close',
): FaultRule {
  return { method: 'PUT', path: uploads, fault: { kind: 'early-answer', status, ending } };
}
