import { utf8Bytes } from '#core/cut-text.ts';
import { parseJson } from '#core/json.ts';

/** One line of what a status has no room for. */
export interface OverflowEntry {
  /** What decides the shard: an image's name. */
  readonly key: string;
  /** JSON on one line. */
  readonly line: string;
  /** Bytes of the line with its end, in UTF-8. */
  readonly bytes: number;
  /** Hash of the key, 32 bits. */
  readonly hash: number;
}

/** Shards by their prefix: the first bits that the hashes of all their keys share, `` for all. */
export type Shards = ReadonlyMap<string, readonly OverflowEntry[]>;

/** Behaviour §6: one object, of which an API server takes a mebibyte, and few bytes a change. */
export const shardBytesMax = 256 * 1024;
/** Two halves are one again when they would leave it half empty: no flapping at the border. */
const rejoinBytesMax = shardBytesMax / 2;
/** All shards of one resource: what is beyond is counted, and checked anew after a restart. */
export const overflowBytesMax = 64 * 1024 * 1024;
/** Far more shards than the bytes of all of them make; a hash that cannot be told apart ends here. */
const prefixBitsMax = 16;

/**
 * Deals entries to shards by the hash of their keys. A shard that gets too large becomes two, and
 * only it: an image stays where it is while others come and go. `before` are the prefixes in use.
 */
export function dealShards(entries: readonly OverflowEntry[], before: Iterable<string>): Shards {
  const shards = new Map<string, readonly OverflowEntry[]>();
  /** Prefixes whose shard is two or more at present. */
  const divided = new Set<string>();
  for (const prefix of before) {
    for (let bits = 0; bits < prefix.length; bits += 1) divided.add(prefix.slice(0, bits));
  }
  const deal = (prefix: string, dealt: readonly OverflowEntry[]): void => {
    if (dealt.length === 0) return;
    const bytes = dealt.reduce((sum, entry) => sum + entry.bytes, 0);
    const bytesMax = divided.has(prefix) ? rejoinBytesMax : shardBytesMax;
    if (bytes <= bytesMax || prefix.length >= prefixBitsMax) {
      shards.set(prefix, dealt);
      return;
    }
    const bit = 31 - prefix.length;
    const halves = Map.groupBy(dealt, ({ hash }) => (hash >>> bit) & 1);
    for (const half of [0, 1]) deal(`${prefix}${half}`, halves.get(half) ?? []);
  };
  deal('', entries);
  return shards;
}

/** Makes an entry; what it costs is paid here, one by one, and dealing is then cheap. */
export function overflowEntry(key: string, value: object): OverflowEntry {
  const line = JSON.stringify(value);
  return { key, line, bytes: utf8Bytes(line) + 1, hash: hashOf(key) };
}

/** The first entries, which are the most important, as far as all shards together may go. */
export function boundOverflow(entries: readonly OverflowEntry[]): readonly OverflowEntry[] {
  let total = 0;
  const end = entries.findIndex(({ bytes }) => {
    total += bytes;
    return total > overflowBytesMax;
  });
  return end === -1 ? entries : entries.slice(0, end);
}

/**
 * The text of a shard: the same for the same entries, in whatever order they come. Numbers are sorted
 * in a fraction of the time that names take, and nobody reads a shard by name.
 */
export function encodeShard(entries: readonly OverflowEntry[]): string {
  const sorted = entries.toSorted(
    (left, right) => left.hash - right.hash || (left.key < right.key ? -1 : 1),
  );
  return sorted.map(({ line }) => line).join('\n');
}

/** The values of a shard's lines; one that cannot be read spoils no other. */
export function decodeShard(text: string): readonly unknown[] {
  const values = text.split('\n').map(parseJson);
  return values.filter((value) => value !== undefined);
}

/** FNV-1a over the code units, and the end of MurmurHash3, which brings them all to the top bits. */
function hashOf(text: string): number {
  let hash = 0x811c9dc5;
  for (let index = 0; index < text.length; index += 1) {
    hash = Math.imul(hash ^ text.charCodeAt(index), 0x01000193);
  }
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}
