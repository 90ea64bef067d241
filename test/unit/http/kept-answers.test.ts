import { describe, expect, test } from 'vitest';
import { KeptAnswers, type KeptAnswersOptions } from '#http/kept-answers.ts';
import { eventually } from '#test/support/time/eventually.ts';

/** Answers that end when the test says so. */
function stage(over: Partial<KeptAnswersOptions<number>> = {}) {
  const kept = new KeptAnswers<number>({
    ...{ entriesMax: 10, makingMax: 1, waitingMax: 2 },
    ...{ keepMs: () => 60_000, restMs: () => 0, ...over },
  });
  const making: { readonly key: string; readonly end: (value: number) => void }[] = [];
  const get = (key: string) =>
    kept.get(key, () => new Promise<number>((end) => making.push({ key, end })));
  const begun = async (count: number) =>
    await eventually(`${count} have begun`, () => making.length === count);
  return { kept, making, get, begun };
}

describe('an answer', () => {
  test('is made once for all who ask meanwhile, and kept for those who ask later', async () => {
    const { making, get, begun } = stage();
    const askers = Array.from({ length: 60 }, () => get('all'));
    await begun(1);
    making[0]?.end(7);
    expect(new Set(await Promise.all(askers))).toEqual(new Set([7]));
    expect(await get('all')).toBe(7);
    expect(making).toHaveLength(1);
  });

  test('that was kept long enough is made anew', async () => {
    const { making, get, begun } = stage({ keepMs: () => 0 });
    for (const value of [1, 2]) {
      const answer = get('all');
      await begun(value);
      making.at(-1)?.end(value);
      expect(await answer).toBe(value);
    }
  });

  test('waits for others to be made, and is none where too many wait', async () => {
    const { making, get, begun } = stage();
    const answers = ['a', 'b', 'c'].map(get);
    expect(get('d')).toBeUndefined();
    for (const [index] of answers.entries()) {
      await begun(index + 1);
      making[index]?.end(index);
    }
    expect(await Promise.all(answers)).toEqual([0, 1, 2]);
    expect(making.map(({ key }) => key)).toEqual(['a', 'b', 'c']);
  });

  test('leaves others time before the next one is made', async () => {
    const { making, get, begun } = stage({ restMs: () => 200 });
    void get('a');
    await begun(1);
    making[0]?.end(1);
    const startedMs = performance.now();
    void get('b');
    await begun(2);
    expect(performance.now() - startedMs).toBeGreaterThan(150);
  });

  test('that could not be made is not kept, and holds nobody up', async () => {
    const { kept } = stage();
    await expect(kept.get('a', () => Promise.reject(new Error('not now')))).rejects.toThrow(/not/);
    expect(await kept.get('a', async () => 8)).toBe(8);
    expect(await kept.get('b', async () => 9)).toBe(9);
  });
});
