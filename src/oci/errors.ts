import type { UnreachableCause } from '#core/probe.ts';

/** What went wrong with one request to a registry, translated once, with URLs redacted. */
export type OciFailure =
  | {
      /** The registry answered with a status that is no success. */
      readonly kind: 'answer';
      readonly status: number;
      readonly message: string;
      /** Wall time in ms since the epoch, from Retry-After or the rate-limit reset headers. */
      readonly retryAtMs?: number;
      readonly quotaRemaining?: number;
    }
  | {
      /** No usable answer: the connection, TLS, the time or our own rules stood in the way. */
      readonly kind: 'connection';
      readonly cause: Exclude<UnreachableCause, 'answer'>;
      readonly message: string;
    }
  | {
      /** An answer that breaks the protocol: an oversized body, a token without a token. */
      readonly kind: 'protocol';
      readonly message: string;
    };
