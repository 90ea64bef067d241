/** Availability of one image as its registry tells it (behaviour §4). */
export type ProbeStatus =
  | 'Available'
  | 'NotFound'
  | 'InvalidAuth'
  | 'QuotaExceeded'
  | 'Unreachable';

/** How a connection failed; `answer` means that the registry did answer, with something useless. */
export type UnreachableCause =
  | 'dns'
  | 'refused'
  | 'reset'
  | 'tls'
  | 'timeout'
  | 'forbidden'
  | 'answer';

/** What one check of one image came to, after credentials and retries. */
export type ProbeOutcome =
  | {
      readonly kind: 'Available';
      readonly digest?: string;
      readonly credential?: string;
      readonly quotaRemaining?: number;
    }
  | { readonly kind: 'NotFound'; readonly message: string; readonly credential?: string }
  | { readonly kind: 'InvalidAuth'; readonly message: string }
  | {
      readonly kind: 'QuotaExceeded';
      readonly message: string;
      /** Wall time in ms since the epoch until which the registry said to wait. */
      readonly retryAtMs?: number;
    }
  | {
      readonly kind: 'Unreachable';
      readonly message: string;
      readonly cause: UnreachableCause;
    };
