import { milliseconds } from '#test/bench/table.ts';
import type { AttackRow } from './attack-row.ts';

/** What an attack came to, beside the same minute without it. */
export interface AttackFigures {
  readonly row: AttackRow;
  /** Admission of another namespace, ms. */
  readonly quiet: { readonly p50Ms: number; readonly p99Ms: number };
  readonly attacked: {
    readonly p50Ms: number;
    readonly p99Ms: number;
    readonly failed: number;
    /** Sent elsewhere, though their registry is healthy. */
    readonly patched: number;
  };
  /** Longest turn of the operator's event loop, and of a process that does nothing beside it. */
  readonly turnMs: number;
  readonly idleTurnMs: number;
  readonly grownBytes: number;
  /** What leaked or went wrong. */
  readonly leaks: readonly string[];
}

/** Behaviour that issue rows demand: twice of quiet or this, whichever is more. */
const p99Bar = { usualMs: 50, largeMs: 250 };
const turnBar = { usualMs: 50, largeMs: 200 };
const grownBytesMax = 100 * 1024 * 1024;

/** What missed its bar, in words; empty where the attack was stood. */
export function missedBars(figures: AttackFigures): readonly string[] {
  const { row, quiet, attacked, turnMs, idleTurnMs, grownBytes, leaks } = figures;
  const isLarge = row.isLarge === true;
  // What holds up a process that does nothing is the machine.
  const machineMs = Math.max(0, idleTurnMs - restingTurnMs);
  const p99MsMax = Math.max(2 * quiet.p99Ms, isLarge ? p99Bar.largeMs : p99Bar.usualMs);
  const turnMsMax = isLarge ? turnBar.largeMs : turnBar.usualMs;
  return [
    ...leaks,
    ...(attacked.failed > 0 ? [`${attacked.failed} reviews of others were not answered`] : []),
    ...(attacked.patched > 0 ? [`${attacked.patched} Pods of others were sent elsewhere`] : []),
    ...(attacked.p99Ms - machineMs > p99MsMax ? [`p99 above ${milliseconds(p99MsMax)} ms`] : []),
    ...(turnMs - machineMs > turnMsMax ? [`a turn above ${turnMsMax} ms`] : []),
    ...(grownBytes > grownBytesMax ? ['grown by more than 100 MB'] : []),
  ];
}

/** An idle loop is looked at every 10 ms, which is what it shows. */
const restingTurnMs = 11;

/** Columns of the table. */
export const attackColumns = [
  'row',
  'attack',
  'who',
  'quiet p50/p99 ms',
  'attacked p50/p99 ms',
  'turn ms (idle)',
  'RSS MB',
  'verdict',
] as const;

/** One line of the table. */
export function attackCells(figures: AttackFigures): readonly string[] {
  const { row, quiet, attacked, turnMs, idleTurnMs, grownBytes } = figures;
  const missed = missedBars(figures);
  const pair = ({ p50Ms, p99Ms }: AttackFigures['quiet']) =>
    `${milliseconds(p50Ms)} / ${milliseconds(p99Ms)}`;
  return [
    ...[row.id, row.attack, row.who, pair(quiet), pair(attacked)],
    `${milliseconds(turnMs)} (${milliseconds(idleTurnMs)})`,
    `+${Math.max(0, Math.round(grownBytes / 1024 / 1024))}`,
    missed.length === 0 ? 'PASS' : `FAIL: ${missed.join('; ')}`,
  ];
}
