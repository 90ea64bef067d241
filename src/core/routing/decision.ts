import type { ProbeStatus } from '#core/probe.ts';

/** `original`, or `Kind/[namespace/]name` of the resource that proposed the candidate. */
export type CandidateOrigin = string;

/** Why a container's image was rewritten (annotation `kuik.enix.io/reason`). */
export type RewriteReason = (typeof rewriteReasons)[number];

/** All of them. */
export const rewriteReasons = [
  'Preferred',
  'OriginalNotFound',
  'OriginalUnreachable',
  'OriginalInvalidAuth',
  'OriginalQuotaExceeded',
  'OriginalDiscarded',
] as const;

/** Why a container was left alone, or rewritten. */
export type DecisionReason =
  | RewriteReason
  /** The original is the first candidate that is available. */
  | 'OriginalAvailable'
  /** No resource proposes anything else: no request was sent. */
  | 'OnlyCandidate'
  /** Nothing answered: the Pod keeps its original. */
  | 'NothingAvailable'
  /** Point 1 of behaviour §3: pull policy, labels, annotations, already processed, unparsable. */
  | 'Skipped';

/**
 * What one candidate answered. `NotAsked`: one before it in order won and nobody waited for it.
 * `SetAside`: its registry is Suspect, Open or Throttled, so no request was sent.
 */
export type CandidateStatus = ProbeStatus | 'NotAsked' | 'SetAside' | 'Trusted';

/** One candidate as the decision shows it, in order. */
export interface CandidateReport {
  /** Full form, without a tag where the user wrote none. */
  readonly image: string;
  readonly by: CandidateOrigin;
  readonly status: CandidateStatus;
  /** Time from the start of the probing to this answer, in ms; 0 when nothing was sent. */
  readonly ms: number;
  readonly message?: string;
  /** The name of the credential that was let in: `<namespace>/<secret>`, never its content. */
  readonly credential?: string;
  /** The filter that matched, as a person wrote it. */
  readonly filter?: string;
}

/** The decision for one container, init container or image volume: one value, shown everywhere. */
export interface RouteDecision {
  /** `app`, `init:migrate` or `volume:models`: the annotation's key. */
  readonly key: string;
  /** The image as the user wrote it. */
  readonly image: string;
  /** The image to run: `image` itself when nothing is rewritten. */
  readonly winner: string;
  readonly by: CandidateOrigin;
  readonly reason: DecisionReason;
  /** A sentence for a person: who won and why. */
  readonly message: string;
  readonly candidates: readonly CandidateReport[];
  readonly ms: number;
}

/** A resource that comes near an image and does not apply to it, for whoever asks why. */
export interface DecisionMiss {
  /** `Kind/[namespace/]name`. */
  readonly by: CandidateOrigin;
  /** The field of its spec that leaves the image out. */
  readonly field: string;
  readonly message: string;
}

/** A decision as it is explained: beside what applies, what nearly does. */
export interface RouteExplanation extends RouteDecision {
  readonly nearMisses: readonly DecisionMiss[];
}
