import { describe, expect, test } from 'vitest';
import { readLines } from '#kube/lines.ts';

async function linesOf(chunks: readonly string[], bytesMax = 100): Promise<string[]> {
  const body = (async function* () {
    for (const chunk of chunks) yield Buffer.from(chunk);
  })();
  const lines: string[] = [];
  for await (const line of readLines(body, bytesMax)) lines.push(line);
  return lines;
}

describe('lines of a stream', () => {
  test('are put together across chunks, and empty ones left out', async () => {
    expect(await linesOf(['a', 'b\nc\n', '\n', 'd', '\ne'])).toEqual(['ab', 'c', 'd', 'e']);
  });

  test('may each be as long as allowed, however many there are', async () => {
    const line = `${'x'.repeat(99)}\n`;
    expect(await linesOf([line.repeat(5)])).toHaveLength(5);
  });

  test('beyond the bound are an error, whether they end or not', async () => {
    await expect(linesOf([`${'x'.repeat(101)}\n`])).rejects.toThrow(/at most 100 bytes/);
    await expect(linesOf(['x'.repeat(60), 'x'.repeat(60)])).rejects.toThrow(/at most 100 bytes/);
  });
});
