import type { Credential } from '#core/credentials.ts';
import type { ExceededQuota } from '#machines/registry.ts';

/** What whoever asked a registry by another way than a probe has to tell. */
export type RegistryNews =
  | { readonly kind: 'answered' }
  /** A connection failed, without any answer. */
  | { readonly kind: 'failed'; readonly message: string }
  /** A 429 to these credentials; wall time, ms. */
  | ({ readonly kind: 'throttled'; readonly credentials: readonly Credential[] } & Pick<
      ExceededQuota,
      'message' | 'retryAtMs'
    >);
