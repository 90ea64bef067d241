import { describe, expect, test } from 'vitest';
import {
  boundOverflow,
  dealShards,
  decodeShard,
  encodeShard,
  type OverflowEntry,
  overflowBytesMax,
  overflowEntry,
  type Shards,
  shardBytesMax,
} from '#core/status/overflow.ts';

function entriesOf(count: number, lineCharacters = 250): OverflowEntry[] {
  return Array.from({ length: count }, (_, index) => {
    const key = `registry.example.com/team/service-${index}:v1`;
    return overflowEntry(key, { image: key, pad: 'x'.repeat(lineCharacters) });
  });
}

function encoded(shards: Shards): Map<string, string> {
  return new Map([...shards].map(([prefix, entries]) => [prefix, encodeShard(entries)]));
}

function changed(before: Map<string, string>, after: Map<string, string>): string[] {
  const prefixes = new Set([...before.keys(), ...after.keys()]);
  return [...prefixes].filter((prefix) => before.get(prefix) !== after.get(prefix));
}

describe('the overflow', () => {
  test('is one shard while it is small, and none while there is nothing', () => {
    expect([...dealShards([], [])]).toEqual([]);
    const entries = entriesOf(10);
    expect([...dealShards(entries, [])]).toEqual([['', entries]]);
  });

  test('holds every entry once, in shards of at most 256 KiB that are well filled', () => {
    const entries = entriesOf(20_000);
    const shards = dealShards(entries, []);
    const texts = [...encoded(shards).values()];
    expect(Math.max(...texts.map((text) => Buffer.byteLength(text)))).toBeLessThan(shardBytesMax);
    const total = texts.reduce((sum, text) => sum + text.length, 0);
    expect(texts.length).toBeLessThan((3 * total) / shardBytesMax);
    const read = texts.flatMap(decodeShard) as { image: string }[];
    expect(read).toHaveLength(20_000);
    expect(new Set(read.map(({ image }) => image)).size).toBe(20_000);
  });

  test('changes one shard when one entry changes, comes or goes', () => {
    const entries = entriesOf(20_000);
    const before = encoded(dealShards(entries, []));
    const one = overflowEntry(entries[7]?.key ?? '', { image: 'changed' });
    for (const next of [
      entries.with(7, one),
      entries.toSpliced(7, 1),
      [...entries, ...entriesOf(20_001).slice(-1)],
    ]) {
      expect(changed(before, encoded(dealShards(next, before.keys())))).toHaveLength(1);
    }
  });

  test('divides the shard that grew and no other', () => {
    let divisions = 0;
    let before = encoded(dealShards(entriesOf(5_000), []));
    for (let count = 5_100; count < 8_000; count += 100) {
      const after = encoded(dealShards(entriesOf(count), before.keys()));
      const gone = [...before.keys()].filter((prefix) => !after.has(prefix));
      divisions += gone.length;
      for (const prefix of gone) {
        expect(after.has(`${prefix}0`) && after.has(`${prefix}1`)).toBe(true);
      }
      before = after;
    }
    expect(divisions).toBeGreaterThan(0);
  });

  test('does not flap at the border: what was divided stays so until it is half empty', () => {
    const full = Math.floor(shardBytesMax / (entriesOf(1)[0]?.line.length ?? 1));
    const divided = dealShards(entriesOf(full + 20), []);
    expect([...divided.keys()]).toEqual(['0', '1']);
    expect([...dealShards(entriesOf(full - 100), divided.keys()).keys()]).toEqual(['0', '1']);
    expect([...dealShards(entriesOf(full / 3), divided.keys()).keys()]).toEqual(['']);
  });

  test('has a total that it never exceeds; the most important stay', () => {
    const entries = entriesOf(3_000, 40_000);
    const kept = boundOverflow(entries);
    expect(kept.length).toBeLessThan(3_000);
    expect(kept).toEqual(entries.slice(0, kept.length));
    const bytes = kept.reduce((sum, { line }) => sum + line.length + 1, 0);
    expect(bytes).toBeLessThanOrEqual(overflowBytesMax);
    expect(bytes).toBeGreaterThan(overflowBytesMax - 100_000);
    expect(boundOverflow(entriesOf(10))).toHaveLength(10);
  });

  test('is read line by line: one that is spoiled spoils no other', () => {
    expect(decodeShard('{"image":"a"}\n{"image":\n\nnull\n{"image":"b"}')).toEqual([
      { image: 'a' },
      null,
      { image: 'b' },
    ]);
  });
});
