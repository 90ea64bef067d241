import type { FastifyInstance } from 'fastify';
import type { RunningCopy } from '#core/mirroring/running-copy.ts';
import { runningItem } from '#http/running-item.ts';

/** What is shown. */
export interface DebugCopiesPorts {
  /** Copies that this process is making; none unless it leads. */
  readonly running: () => readonly RunningCopy[];
  /** Wall time, ms. */
  readonly now: () => number;
}

/** `GET /debug/copies`: bytes of bytes, rate and target of each copy that is being made. */
export async function debugCopies(
  app: FastifyInstance,
  { running, now }: DebugCopiesPorts,
): Promise<void> {
  app.get('/debug/copies', async () => {
    const copies = running().map((copy) => runningItem(copy, now()));
    return { copies, total: copies.length };
  });
}
