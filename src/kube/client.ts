import type { Result } from '#core/result.ts';

/** One call to the API server: values in, values out. */
export interface ApiCall {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  /** Path below the server, `/api/v1/namespaces/default/pods`. */
  readonly path: string;
  readonly query?: Readonly<Record<string, string | number | boolean | undefined>>;
  readonly body?: unknown;
  /** `application/json` unless told; `application/apply-patch+yaml` for server-side apply. */
  readonly contentType?: string;
}

/** Why a call failed; no decision ever reads `message`. */
export type ApiFailure =
  | {
      /** The API server answered with an error Status. */
      readonly kind: 'status';
      readonly code: number;
      /** `NotFound`, `Conflict`, `Expired`, `AlreadyExists`, …; empty when none came. */
      readonly reason: string;
      readonly message: string;
      readonly retryAfterMs?: number;
    }
  | { readonly kind: 'connection'; readonly message: string }
  | { readonly kind: 'aborted'; readonly message: string };

/** The API server over one shared, kept-alive Agent. */
export interface KubeClient {
  /** One call; the answer is parsed JSON. */
  readonly call: <T>(call: ApiCall, signal: AbortSignal) => Promise<Result<T, ApiFailure>>;
  /** An open watch: lines of JSON as they come; ends when the server closes it. */
  readonly stream: (
    call: ApiCall,
    signal: AbortSignal,
  ) => Promise<Result<AsyncIterable<string>, ApiFailure>>;
  readonly server: string;
  readonly close: () => Promise<void>;
}
