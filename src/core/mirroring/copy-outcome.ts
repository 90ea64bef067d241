/** What one attempt to copy one image to one mirror came to (behaviour §5). */
export type CopyOutcome = CopiedImage | CopyFailure;

/** The copy stands on the mirror, complete. */
export interface CopiedImage {
  readonly kind: 'copied';
  /** Of what stands on the mirror; differs from the source's where an index was cut. */
  readonly digest: string;
  /** Of the source, as its registry has it. */
  readonly sourceDigest: string;
  /** As `os/architecture[/variant]`, sorted; absent where the copy is whole. */
  readonly platforms?: readonly string[];
  /** Asked for by the configuration and not to be had from this source; sorted. */
  readonly missingPlatforms?: readonly string[];
  /** It stood there already and nothing was written under its tag. */
  readonly found: boolean;
  /** Bytes of blobs and manifests sent to the mirror; what it had or mounted is not among them. */
  readonly bytes: number;
}

/** There is no copy, or none that can be relied on. */
export interface CopyFailure {
  readonly kind: 'failed';
  /** Whose answer, or silence, it was. */
  readonly side: 'source' | 'target';
  readonly reason: CopyFailureReason;
  /** For a person, one line: who was asked for what, what was expected and what came. */
  readonly message: string;
  /** Wall time in ms since the epoch before which nothing should be asked (a 429 that says so). */
  readonly retryAtMs?: number;
  /** What a source was asked for that has nothing more to give (`outdated-copy.ts`). */
  readonly askedPlatforms?: readonly string[];
  /** Nothing was heard at all: what makes a registry a suspect. */
  readonly silent?: true;
}

/** Why: what time heals… */
export type HealingReason =
  /** No connection, a broken one, or 5xx. */
  | 'unreachable'
  /** 429, or a quota that Pods are to keep. */
  | 'throttled'
  /** The source has no such image (now). */
  | 'not-found'
  /** Nobody is let in at the source. */
  | 'source-denied'
  /** What came is not what was announced: wrong digest or size. */
  | 'corrupt'
  /** The mirror has no room (507). */
  | 'no-space'
  /** The mirror says that it lacks blobs which it was sent. */
  | 'blob-unknown';

/** …and what it does not: a new spec, Secret or Pod tries again, at the latest after 1 h. */
export type PermanentReason =
  | 'denied'
  | 'manifest-refused'
  | 'repository-missing'
  | 'immutable-tag'
  | 'no-platform'
  | 'out-of-bounds'
  | 'collision';

/** Any of them. */
export type CopyFailureReason = HealingReason | PermanentReason;

const permanentReasons: ReadonlySet<string> = new Set<PermanentReason>([
  'denied',
  'manifest-refused',
  'repository-missing',
  'immutable-tag',
  'no-platform',
  'out-of-bounds',
  'collision',
]);

/** Whether time alone does not heal it (behaviour §5, `Failed`). */
export function isPermanent({ reason }: Pick<CopyFailure, 'reason'>): boolean {
  return permanentReasons.has(reason);
}
