import { writeFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { scrapeLoopDelay } from '#test/bench/event-loop.ts';
import { startIdleLoop } from '#test/bench/idle-loop.ts';
import { sendReviews } from '#test/bench/load-client.ts';
import type { LoadOutcome } from '#test/bench/review-load.ts';
import { residentBytes, residentBytesMax } from '#test/support/processes/heap.ts';
import type { AttackRow } from './attack-row.ts';
import {
  type AttackGround,
  type AttackStage,
  setAttackStage,
  victimNamespace,
} from './attack-stage.ts';
import type { AttackFigures } from './verdict.ts';

/** How large, and how long at most. */
export interface AttackBounds {
  readonly times: number;
  readonly attackMsMax: number;
}

/** Reviews of the victim: as many as a busy cluster has. */
const perSecond = 20;
const quietMs = 4_000;
/** The attack begins when the reviews have. */
const headStartMs = 1_500;
/** What an attack brings about may come a moment after it. */
const afterMs = 1_000;
const attackedMs = 8_000;

/** Runs one row against an operator of its own, with and without the attack. */
export async function runAttack(
  ground: AttackGround,
  row: AttackRow,
  { times, attackMsMax }: AttackBounds,
): Promise<AttackFigures> {
  const stage = await setAttackStage(ground, row.config ?? {});
  const { metricsUrl, pid } = stage.operator;
  try {
    const quiet = await load(stage, 'quiet', quietMs);
    const before = residentBytes(pid);
    forgetHighWater(pid);
    await scrapeLoopDelay(metricsUrl);
    const idle = startIdleLoop();
    const loaded = load(stage, 'attacked', attackedMs);
    await delay(headStartMs);
    const leaks = await Promise.race([
      row
        .run(stage, times)
        .catch((error: unknown) => [`the attack broke off: ${messageOf(error)}`]),
      delay(attackMsMax, ['the attack was not over in its time'], { ref: false }),
    ]);
    const attacked = await loaded;
    await delay(afterMs);
    const { maxMs: turnMs } = await scrapeLoopDelay(metricsUrl);
    const { maxMs: idleTurnMs } = await idle.stop();
    const grownBytes = residentBytesMax(pid) - before;
    return { row, quiet, attacked, turnMs, idleTurnMs, grownBytes, leaks };
  } finally {
    await stage.close();
  }
}

/** Each review about an image of its own, so that no answer is remembered. */
function load(stage: AttackStage, tag: string, durationMs: number): Promise<LoadOutcome> {
  const image = `${stage.healthy[0]?.host}/victim/app-{n}:${tag}`;
  return sendReviews({
    ...{ url: stage.operator.webhookUrl, authorityPem: stage.authorityPem },
    ...{ perSecond, durationMs, warmUp: 20, connections: 8, slowMs: 900 },
    ...{ warmUpImage: image.replace('app-', 'warm-'), images: [image], namespace: victimNamespace },
  });
}

/** The kernel counts the largest resident set anew from here. */
function forgetHighWater(pid: number): void {
  writeFileSync(`/proc/${pid}/clear_refs`, '5');
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message.slice(0, 300) : String(error);
}
