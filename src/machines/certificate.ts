import { assign, setup } from 'xstate';
import { effect, toOutput } from './effect.ts';

/** Where the serving certificate comes from. */
export interface CertificateInput {
  /** `directory`: somebody else puts it there; `own`: made and kept in a Secret by us. */
  readonly source: 'directory' | 'own';
  /** How often the source is looked at, ms. */
  readonly pollMs: number;
}

/** What may be shown of a certificate; keys stay with the effects. */
export interface CertificateFacts {
  /** SHA-256 of the certificate and of what is to be trusted, in hex. */
  readonly fingerprint: string;
  /** RFC 3339. */
  readonly notAfter: string;
  readonly names: readonly string[];
}

/** What an attempt to get hold of a certificate came to. */
export type CertificateOutcome =
  /** It serves from now on. */
  | { readonly kind: 'loaded'; readonly certificate: CertificateFacts }
  /** What serves is still right. */
  | { readonly kind: 'kept' }
  /** There is none. */
  | { readonly kind: 'missing'; readonly message: string }
  /** What is there can't serve; `fingerprint` tells it from what may come next. */
  | { readonly kind: 'refused'; readonly message: string; readonly fingerprint: string }
  /** Another replica was faster; its certificate is to be loaded. */
  | { readonly kind: 'raced' }
  | { readonly kind: 'failed'; readonly message: string };

/** Fingerprint of what the source holds when it is not what serves, or when something is due. */
export type CertificateChange = string | null;

/** What is remembered: facts, no key. */
export interface CertificateContext extends CertificateInput {
  readonly certificate: CertificateFacts | null;
  /** Fingerprint of what was refused last, so that it is not tried again. */
  readonly refused: string | null;
  /** Attempts that failed in a row: the next waits longer. */
  readonly failures: number;
  /** Why there is no certificate, or why the present one was not replaced. */
  readonly trouble: string | null;
}

/** First wait after an attempt that came to nothing; it doubles up to the largest. */
const retryDelayMsMin = 1_000;
/** Without a certificate no Pod is routed: never wait longer than this. */
const retryDelayMsMax = 30_000;
/** After failures the looks become rarer, up to this. */
const pollMsMax = 60_000;

const remembered = { type: 'remember', params: toOutput } as const;
const loaded = { type: 'loaded', params: toOutput } as const;
const issuable = { type: 'issuable', params: toOutput } as const;

/** The webhook's serving certificate: loaded or made, and replaced before it runs out. */
export const certificateMachine = setup({
  types: {
    input: {} as CertificateInput,
    context: {} as CertificateContext,
  },
  actors: {
    loadCertificate: effect<CertificateOutcome, undefined>('loadCertificate'),
    issueCertificate: effect<CertificateOutcome, undefined>('issueCertificate'),
    findChange: effect<CertificateChange, undefined>('findChange'),
    renewCertificate: effect<CertificateOutcome, undefined>('renewCertificate'),
  },
  guards: {
    loaded: (_, outcome: CertificateOutcome) => outcome.kind === 'loaded',
    raced: (_, outcome: CertificateOutcome) => outcome.kind === 'raced',
    issuable: ({ context }, outcome: CertificateOutcome) =>
      context.source === 'own' && (outcome.kind === 'missing' || outcome.kind === 'refused'),
    isNews: ({ context }, change: CertificateChange) =>
      change !== null && change !== context.refused,
  },
  actions: {
    remember: assign(({ context }, outcome: CertificateOutcome) => {
      if (outcome.kind === 'loaded') {
        const { certificate } = outcome;
        return { certificate, refused: null, failures: 0, trouble: null };
      }
      if (outcome.kind === 'kept' || outcome.kind === 'raced') return { failures: 0 };
      const trouble = outcome.message;
      // Not tried again, so there is nothing to slow down: what comes next is looked at at once.
      if (outcome.kind === 'refused') return { refused: outcome.fingerprint, failures: 0, trouble };
      return { failures: context.failures + 1, trouble };
    }),
  },
  delays: {
    retryDelay: ({ context }) =>
      Math.min(retryDelayMsMin * 2 ** Math.max(0, context.failures - 1), retryDelayMsMax),
    pollDelay: ({ context: { pollMs, failures } }) =>
      Math.max(pollMs, Math.min(pollMs * 2 ** failures, pollMsMax)),
  },
}).createMachine({
  id: 'certificate',
  description: "The webhook's serving certificate, from a directory or made by the operator.",
  context: ({ input }) => ({
    ...input,
    ...{ certificate: null, refused: null, failures: 0, trouble: null },
  }),
  initial: 'Loading',
  states: {
    Loading: {
      description: 'Reading what is there.',
      invoke: {
        src: 'loadCertificate',
        onDone: [
          { guard: loaded, target: 'Serving', actions: remembered },
          { guard: issuable, target: 'Issuing', actions: remembered },
          { target: 'Waiting', actions: remembered },
        ],
      },
    },
    Issuing: {
      description: 'Making one of our own and putting it where all replicas find it.',
      invoke: {
        src: 'issueCertificate',
        onDone: [
          { guard: loaded, target: 'Serving', actions: remembered },
          { guard: { type: 'raced', params: toOutput }, target: 'Loading' },
          { target: 'Waiting', actions: remembered },
        ],
      },
    },
    Waiting: {
      description: 'There is none to serve yet, and trouble says why; tries again.',
      after: { retryDelay: 'Loading' },
    },
    Serving: {
      description: 'One is served; after a while its source is looked at.',
      after: { pollDelay: 'Looking' },
    },
    Looking: {
      description:
        'Whether the source holds something else, or something is due; it goes on serving.',
      invoke: {
        src: 'findChange',
        onDone: [
          { guard: { type: 'isNews', params: toOutput }, target: 'Renewing' },
          { target: 'Serving' },
        ],
      },
    },
    Renewing: {
      description: 'Replacing it while the present one goes on serving.',
      invoke: {
        src: 'renewCertificate',
        onDone: { target: 'Serving', actions: remembered },
      },
    },
  },
});
