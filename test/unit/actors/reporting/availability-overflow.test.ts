import { describe, expect, test } from 'vitest';
import { availabilityStore } from '#actors/reporting/availability-store.ts';
import { WrittenStatus } from '#actors/reporting/written-status.ts';
import { fail, type Result, succeed } from '#core/result.ts';
import type { ApiCall } from '#kube/client.ts';
import type { ApiFailure } from '#kube/failures.ts';
import { createTestRuntime } from '#test/support/time/test-runtime.ts';

const forbidden: ApiFailure = { kind: 'status', code: 403, reason: 'Forbidden', message: 'no' };
const listed = { image: 'quay.io/team/a:1', status: 'Available' };

/** A resource whose overflow may not be read: RBAC of an API server that starts says so, too. */
function withoutOverflow(imageCount: number) {
  const object = { metadata: { uid: 'u' }, status: { imageCount, images: [listed] } };
  let reads = 0;
  const client = {
    call: async <T>({ path }: ApiCall): Promise<Result<T, ApiFailure>> => {
      if (!path.includes('/configmaps')) return succeed({ items: [object] } as T);
      reads += 1;
      return fail(forbidden);
    },
  };
  const store = availabilityStore(createTestRuntime(), { client, namespace: 'kuik' });
  return { store, reads: () => reads };
}

describe('an overflow that may not be read', () => {
  const { signal } = new AbortController();

  test('is none where the status lists all', async () => {
    const { store, reads } = withoutOverflow(1);
    expect(await store.restore('all', signal)).toMatchObject({ ok: true, value: [listed] });
    expect(reads()).toBe(1);
    expect(await WrittenStatus.load(store, 'all', signal)).toMatchObject({ ok: true });
  });

  test('is waited for where the status says that there is more: nothing is forgotten', async () => {
    const { store, reads } = withoutOverflow(2);
    for (let tries = 1; tries <= 3; tries += 1) {
      expect(await store.restore('all', signal)).toEqual({ ok: false, error: forbidden });
      expect(reads()).toBe(tries);
    }
    expect(await WrittenStatus.load(store, 'all', signal)).toMatchObject({ ok: false });
  });
});
