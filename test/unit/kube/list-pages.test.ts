import { describe, expect, test } from 'vitest';
import { fail, succeed } from '#core/result.ts';
import type { ApiCall, KubeClient } from '#kube/client.ts';
import { listPages } from '#kube/list-pages.ts';

const mebi = 1024 * 1024;
const never = new AbortController().signal;

/** A list whose objects have these sizes, as a call for a page of it is answered. */
function listOf(bytesOf: readonly number[]) {
  const limits: number[] = [];
  const call = async ({ query = {}, answerBytesMax = 0 }: ApiCall) => {
    const limit = Number(query['limit']);
    const start = Number(query['continue'] ?? 0);
    limits.push(limit);
    const sizes = bytesOf.slice(start, start + limit);
    const bytes = sizes.reduce((sum, one) => sum + one, 0);
    if (bytes > answerBytesMax) return fail({ kind: 'oversize', message: 'too long' });
    const end = start + sizes.length;
    const more = end < bytesOf.length && { continue: String(end) };
    const items = sizes.map((_, index) => start + index);
    return succeed({ metadata: { resourceVersion: '7', ...more }, items });
  };
  return { client: { call } as unknown as Pick<KubeClient, 'call'>, limits };
}

async function readAll(bytesOf: readonly number[], pageObjects = 200) {
  const { client, limits } = listOf(bytesOf);
  const items: number[] = [];
  const failures: string[] = [];
  const listing = { path: '/api/v1/pods', pageObjects };
  for await (const page of listPages<number>(client, listing, never)) {
    if (page.ok) items.push(...page.value.items);
    else failures.push(page.error.kind);
  }
  return { items, failures, limits };
}

describe('a list', () => {
  test('of small objects is read in pages of the size asked for', async () => {
    const { items, limits } = await readAll(Array.from({ length: 450 }, () => 5_000));
    expect(items).toHaveLength(450);
    expect(limits).toEqual([200, 200, 200]);
  });

  test('of objects as large as any is read one by one', async () => {
    const { items, failures } = await readAll(Array.from({ length: 18 }, () => 9 * mebi));
    expect(items).toEqual(Array.from({ length: 18 }, (_, index) => index));
    expect(failures).toEqual([]);
  });

  test('with some large objects is read in larger pages again behind them', async () => {
    const sizes = Array.from({ length: 5_000 }, (_, index) => (index < 3 ? 9 * mebi : 5_000));
    const { items, limits } = await readAll(sizes);
    expect(items).toHaveLength(5_000);
    expect(limits.at(-1)).toBe(200);
    // Nearly all in pages of 200, beside the way down and the way up again.
    expect(limits.length).toBeLessThan(100);
  });

  test('of middling objects is not tried too large again and again', async () => {
    const { items, limits } = await readAll(Array.from({ length: 2_000 }, () => 50_000));
    expect(items).toHaveLength(2_000);
    const pages = Math.ceil(2_000 / 50);
    expect(limits.length).toBeLessThan(pages * 1.25);
  });

  test('with an object beyond all bounds is a failure, and ends there', async () => {
    const { items, failures } = await readAll([5_000, 17 * mebi, 5_000]);
    expect(items).toEqual([0]);
    expect(failures).toEqual(['oversize']);
  });

  test.each([{ items: null }, { items: [] }, {}])('that is %j is empty', async (answer) => {
    const client = { call: async () => succeed(answer) } as unknown as Pick<KubeClient, 'call'>;
    const pages = listPages(client, { path: '/api/v1/pods', pageObjects: 2 }, never);
    for await (const page of pages) expect(page).toMatchObject({ ok: true, value: { items: [] } });
  });
});
