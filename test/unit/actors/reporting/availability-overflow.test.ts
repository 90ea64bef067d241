import { describe, expect, test } from 'vitest';
import { loadWritten } from '#actors/reporting/availability-round.ts';
import type { OverflowShards } from '#actors/reporting/overflow-shards.ts';
import { availabilityRestorer } from '#actors/reporting/restore-availability.ts';
import { fail, type Result, succeed } from '#core/result.ts';
import type { ApiFailure } from '#kube/failures.ts';
import { createLog } from '#telemetry/log.ts';
import { createSimulatedTimerHeap } from '#test/support/time/simulated-timer-heap.ts';

const forbidden: ApiFailure = { kind: 'status', code: 403, reason: 'Forbidden', message: 'no' };
const listed = { image: 'quay.io/team/a:1', status: 'Available' };

/** A resource whose overflow may not be read: RBAC of an API server that starts says so, too. */
function withoutOverflow(imageCount: number) {
  const object = { metadata: { uid: 'u' }, status: { imageCount, images: [listed] } };
  let reads = 0;
  const refuse = async () => {
    reads += 1;
    return fail(forbidden);
  };
  const overflow: OverflowShards = { read: refuse, write: refuse, remove: refuse };
  const client = { call: async <T>() => succeed(object) as unknown as Result<T, ApiFailure> };
  return { client, overflow, reads: () => reads };
}

async function restoreFor(imageCount: number, passMs: number) {
  const clock = createSimulatedTimerHeap();
  const log = createLog({ level: 'silent', format: 'json' });
  const means = withoutOverflow(imageCount);
  const stop = new AbortController();
  let restored: readonly unknown[] | undefined;
  const restoring = availabilityRestorer({ ...means, clock, log, random: () => 0.5 })(
    'all',
    stop.signal,
  ).then((images) => {
    restored = images;
  });
  for (let passedMs = 0; passedMs < passMs; passedMs += 1_000) {
    await new Promise((resolve) => setImmediate(resolve));
    clock.advance(1_000);
  }
  const before = restored;
  stop.abort();
  await restoring;
  return { restored: before, reads: means.reads() };
}

describe('an overflow that may not be read', () => {
  test('is none where the status lists all', async () => {
    expect(await restoreFor(1, 2_000)).toMatchObject({ restored: [listed], reads: 1 });
    const { signal } = new AbortController();
    expect(await loadWritten(withoutOverflow(1), 'all', signal)).toMatchObject({ ok: true });
  });

  test('is waited for where the status says that there is more: nothing is forgotten', async () => {
    const { restored, reads } = await restoreFor(2, 60_000);
    expect(restored).toBeUndefined();
    expect(reads).toBeGreaterThan(2);
    const { signal } = new AbortController();
    expect(await loadWritten(withoutOverflow(2), 'all', signal)).toMatchObject({ ok: false });
  });
});
