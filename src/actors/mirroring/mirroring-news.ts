import type { CopyOutcome } from '#core/mirroring/copy-outcome.ts';
import type { MirroredCopy } from './mirrored-copy.ts';

/** What happens to copies, for those who count and tell it. */
export interface MirroringNews {
  /** An attempt came to its end. */
  readonly copied: (copy: MirroredCopy, outcome: CopyOutcome, durationMs: number) => void;
  /** A deletion came to this: `deleted`, or the word for why not. */
  readonly deleted: (copy: MirroredCopy, result: string) => void;
  /** Copies stay although they were to go with their resource. */
  readonly abandoned: (resource: string, copies: readonly MirroredCopy[]) => void;
}
