import type { CertificateOutcome } from '#machines/certificate.ts';
import type { CertificateMaterial } from './certificate-material.ts';

/** What a source found: the outcome for the machine, and the material that goes with `loaded`. */
export type SourceOutcome =
  | Exclude<CertificateOutcome, { kind: 'loaded' }>
  | { readonly kind: 'loaded'; readonly material: CertificateMaterial };

/** Where the serving certificate comes from: a directory, or a Secret of our own. */
export interface CertificateSource {
  /** Reads what is there. */
  readonly load: (signal: AbortSignal) => Promise<SourceOutcome>;
  /**
   * Takes what is new or due, while `serving` goes on; where nothing serves yet, makes what is missing
   * or can't serve.
   */
  readonly renew: (
    serving: CertificateMaterial | undefined,
    signal: AbortSignal,
  ) => Promise<SourceOutcome>;
  /**
   * Fingerprint of what is there when it is not what serves, or when something is due; undefined
   * while all is well or nothing can be read.
   */
  readonly findChange: (
    serving: CertificateMaterial,
    signal: AbortSignal,
  ) => Promise<string | undefined>;
  /** What must be trusted, read afresh: '' when nothing need be, undefined when it can't be told. */
  readonly readBundle: (signal: AbortSignal) => Promise<string | undefined>;
}
