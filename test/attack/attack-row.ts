import type { AttackStage } from './attack-stage.ts';

/** One attack of those that the operator has to stand, or one of the field's ways that it has to bear. */
export interface AttackRow {
  /** `A5b`; `--row A5` runs all that begin so. */
  readonly id: string;
  readonly attack: string;
  /** What the attacker may do, or is. */
  readonly who: string;
  /** Objects of 1.5 MiB are parsed, which takes longer than all else may. */
  readonly isLarge?: boolean;
  /** Operator configuration beside that of the stage. */
  readonly config?: object;
  /**
   * Carries it out, `times` as large, bounded in count and time. Answers with what leaked or went
   * wrong, a sentence each.
   */
  readonly run: (stage: AttackStage, times: number) => Promise<readonly string[]>;
}
