import type { Credential } from '#core/credentials.ts';
import type { ImageReference } from '#core/image/reference.ts';
import type { Result } from '#core/result.ts';
import type { OciFailure } from './errors.ts';

/** One request for one manifest with at most one credential. */
export interface ManifestRequest {
  readonly reference: ImageReference;
  readonly method: 'HEAD' | 'GET';
  readonly credential?: Credential;
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

/** The registries of the world, each over its own kept-alive connections. No retries, no log. */
export interface OciClient {
  /** One manifest request; tokens are fetched, cached and renewed as the challenge asks. */
  readonly manifest: (
    request: ManifestRequest,
    signal: AbortSignal,
  ) => Promise<Result<ManifestAnswer, OciFailure>>;
  /** `GET /v2/`: any answer of any status succeeds with it; only a dead connection fails. */
  readonly ping: (registry: string, signal: AbortSignal) => Promise<Result<number, OciFailure>>;
  /** Ends all connections. */
  readonly close: () => Promise<void>;
}
