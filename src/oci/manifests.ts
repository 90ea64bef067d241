import type { Credential } from '#core/credentials.ts';
import { formatReference, type ImageReference } from '#core/image/reference.ts';
import { fail, type Result, succeed } from '#core/result.ts';
import type { Authenticator } from './auth.ts';
import { type FailedAnswer, type OciFailure, translateAnswer } from './errors.ts';
import { readQuota } from './quota.ts';

/** One request for one manifest with at most one credential. */
export interface ManifestRequest {
  readonly reference: ImageReference;
  readonly method: 'HEAD' | 'GET';
  readonly credential?: Credential;
  /** Whose look-ups of names this one is counted with: a namespace. */
  readonly share?: string;
  /** Told of each answer, redirects and challenges too, as it comes. */
  readonly onHeard?: () => void;
}

/** What a registry says of a manifest that it has. */
export interface ManifestAnswer {
  readonly status: number;
  /** `Docker-Content-Digest`, when the registry sent one. */
  readonly digest?: string;
  readonly mediaType?: string;
  /** Pulls left, when a `ratelimit-remaining` header tells. */
  readonly quotaRemaining?: number;
  /** Wall time in ms since the epoch at which the quota is renewed, when the headers tell. */
  readonly quotaResetAtMs?: number;
}

/** Every manifest and index type there is: a registry converts or refuses what is not accepted. */
export const MANIFEST_TYPES = [
  'application/vnd.oci.image.index.v1+json',
  'application/vnd.oci.image.manifest.v1+json',
  'application/vnd.docker.distribution.manifest.list.v2+json',
  'application/vnd.docker.distribution.manifest.v2+json',
  'application/vnd.docker.distribution.manifest.v1+prettyjws',
  'application/vnd.docker.distribution.manifest.v1+json',
  'application/vnd.oci.artifact.manifest.v1+json',
  '*/*;q=0.1',
];

/** The distribution spec asks registries to take 4 MiB; no probe needs more. */
export const MANIFEST_BYTES_MAX = 4 * 1024 * 1024;

/** Asks for one manifest (distribution spec, "Pulling manifests"). */
export async function requestManifest(
  authenticator: Authenticator,
  request: ManifestRequest & { readonly registry: string; readonly nowMs: () => number },
  signal: AbortSignal,
): Promise<Result<ManifestAnswer, OciFailure>> {
  const { reference, registry, method, credential, share, onHeard } = request;
  const { path } = reference;
  const sent = await authenticator.send(
    {
      ...{ registry, method },
      target: `/v2/${path}/manifests/${reference.digest ?? reference.tag ?? 'latest'}`,
      headers: { accept: MANIFEST_TYPES.join(', ') },
      repository: path,
      ...(credential !== undefined && { credential }),
      ...(share !== undefined && { share }),
      ...(onHeard !== undefined && { onHeard }),
      bodyBytesMax: MANIFEST_BYTES_MAX,
    },
    signal,
  );
  if (!sent.ok) return sent;
  return readManifestAnswer({ ...sent.value, method, reference }, request.nowMs());
}

/** What was asked and what came, as far as the meaning of a manifest answer goes. */
export interface ManifestExchange extends FailedAnswer {
  readonly method: 'HEAD' | 'GET';
  readonly reference: ImageReference;
}

/** What one answer of any status to a manifest request means. */
export function readManifestAnswer(
  exchange: ManifestExchange,
  nowMs: number,
): Result<ManifestAnswer, OciFailure> {
  const { status, headers, method, reference } = exchange;
  if (status !== 200) {
    return fail(translateAnswer(exchange, `${method} ${formatReference(reference)}`, nowMs));
  }
  const { quotaRemaining, quotaResetAtMs, retryAfterMs } = readQuota(headers, nowMs);
  const resetAtMs = quotaResetAtMs ?? retryAfterMs;
  const digest = [headers['docker-content-digest'] ?? []].flat()[0];
  const mediaType = headers['content-type'];
  if (!isDigest(digest) && /^\s*text\//i.test(mediaType ?? '')) {
    const asked = `${method} ${formatReference(reference)}`;
    return fail({ kind: 'protocol', message: `${asked}: expected a manifest, got a page of text` });
  }
  return succeed({
    status,
    ...(isDigest(digest) && { digest }),
    ...(mediaType !== undefined && { mediaType }),
    ...(quotaRemaining !== undefined && { quotaRemaining }),
    ...(resetAtMs !== undefined && { quotaResetAtMs: resetAtMs }),
  });
}

/** A digest header goes into the path of the next request: anything else counts as none. */
export function isDigest(text: string | undefined): text is string {
  return text !== undefined && /^[a-z0-9]+([+._-][a-z0-9]+)*:[0-9a-f]{32,128}$/.test(text);
}
