import type { FastifyInstance } from 'fastify';
import type { CleanupItem } from '#core/mirroring/status-cleanup.ts';
import type { MirroringReport } from '#core/mirroring/status-report.ts';
import { formatTime } from '#core/rfc3339.ts';
import { runningItem } from '#http/running-item.ts';
import { jsonOf, type StatusAnswers } from '#http/status-answers.ts';

/** What is shown of mirroring. */
export interface StatusMirroringPorts {
  readonly report: () => Promise<MirroringReport>;
  /** Which copies are to go, the next first. */
  readonly cleanup: () => Promise<readonly CleanupItem[]>;
  /** Wall time, ms. */
  readonly now: () => number;
}

/** With everything failing, the first of these say it all. */
const faultsMax = 1_000;
/** Of a list of what goes the first are what one can still do something about. */
const itemsMax = 5_000;

/** `GET /status/mirroring`: copies that run, and what fails. `GET /status/cleanup`: what will go. */
export async function statusMirroring(
  app: FastifyInstance,
  ports: StatusMirroringPorts & { readonly answers: StatusAnswers },
): Promise<void> {
  app.get('/status/mirroring', (_, reply) =>
    ports.answers.send(reply, { key: 'mirroring', make: () => jsonOf(reportPieces(ports)) }),
  );
  app.get('/status/cleanup', (_, reply) =>
    ports.answers.send(reply, { key: 'cleanup', make: () => jsonOf(cleanupPieces(ports)) }),
  );
}

async function* reportPieces({ report, now }: StatusMirroringPorts): AsyncGenerator<string> {
  const { running, faults, ...counts } = await report();
  const nowMs = now();
  yield JSON.stringify({
    ...counts,
    running: running.map((copy) => runningItem(copy, nowMs)),
    faults: faults.slice(0, faultsMax).map(({ first, ...fault }) => ({ ...fault, ...first })),
    totalFaults: faults.length,
  });
}

async function* cleanupPieces({ cleanup }: StatusMirroringPorts): AsyncGenerator<string> {
  const items = await cleanup();
  yield JSON.stringify({ items: items.slice(0, itemsMax).map(cleanupItem), total: items.length });
}

function cleanupItem({ unusedSinceMs, retentionMs, dueMs, isRun, ...item }: CleanupItem): object {
  return {
    ...item,
    unusedSince: unusedSinceMs === undefined ? null : formatTime(unusedSinceMs),
    retentionSeconds: Math.round(retentionMs / 1_000),
    due: formatTime(dueMs),
    runs: isRun,
  };
}
