import { describe, expect, test } from 'vitest';
import { weighJson } from '#http/json-weight.ts';

const weigh = (text: string) => weighJson(Buffer.from(text));

describe('the weight of JSON', () => {
  test.each<[string, number, number]>([
    ['""', 2, 0],
    ['"abc"', 5, 0],
    [String.raw`"\u003c\u003e"`, 4, 0],
    [String.raw`"a\nb\"c\\"`, 8, 0],
    [String.raw`"\\u003c"`, 8, 0],
    ['[]', 2, 1],
    ['{"a":[1,2,{}]}', 14, 5],
    ['"{[,"', 5, 0],
    [String.raw`{"\"{":"[,"}`, 11, 1],
    ['"never ends {[', 14, 0],
    [String.raw`"never ends \ `.trimEnd(), 12, 0],
  ])('of %s is %i bytes and %i parts', (text, plainBytes, parts) => {
    expect(weigh(text)).toEqual({ plainBytes, parts });
  });

  test('of nine megabytes that say a million and a half is that, and is found at once', () => {
    const text = Buffer.from(`{"a":"${String.raw`\u003c`.repeat(1_500_000)}"}`);
    const startedMs = performance.now();
    expect(weighJson(text)).toEqual({ plainBytes: 1_500_008, parts: 1 });
    expect(performance.now() - startedMs).toBeLessThan(1_000);
  });
});
