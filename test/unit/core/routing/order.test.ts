import { expect, test } from 'vitest';
import {
  type CandidatePlace,
  comparePlaces,
  FIRST_PLACE,
  ORIGINAL_PLACE,
} from '#core/routing/order.ts';

const at = (given: Partial<CandidatePlace>): CandidatePlace => ({
  ...ORIGINAL_PLACE,
  kind: 'ClusterImageSetMirror',
  name: 'm',
  ...given,
});

/** Each before all that follow it (behaviour §3.4). */
const ordered: readonly CandidatePlace[] = [
  FIRST_PLACE,
  at({ priority: -1_000_000, kind: 'ReplicatedImageSet' }),
  at({ priority: -1, kind: 'ClusterImageSetMirror', entryPriority: 9 }),
  at({ priority: -1, kind: 'ReplicatedImageSet', entryPriority: -9 }),
  ORIGINAL_PLACE,
  at({ entryPriority: -5, declaration: 9 }),
  at({ entryPriority: 0, declaration: 0, name: 'a' }),
  at({ entryPriority: 0, declaration: 0, name: 'b' }),
  at({ entryPriority: 0, declaration: 0, name: 'b', base: 1 }),
  at({ entryPriority: 0, declaration: 1, name: 'a' }),
  at({ entryPriority: 1, declaration: 0, name: 'a' }),
  at({ kind: 'ImageSetMirror', entryPriority: -5, namespace: 'a', name: 'z' }),
  at({ kind: 'ImageSetMirror', entryPriority: 0, namespace: 'a', name: 'z' }),
  at({ kind: 'ImageSetMirror', entryPriority: 0, namespace: 'b', name: 'a' }),
  at({ kind: 'ClusterReplicatedImageSet', entryPriority: -5 }),
  at({ kind: 'ClusterReplicatedImageSet', name: 'B' }),
  at({ kind: 'ClusterReplicatedImageSet', name: 'a' }),
  at({ kind: 'ReplicatedImageSet', entryPriority: -5 }),
  at({ priority: 1, kind: 'ClusterImageSetMirror', entryPriority: -9 }),
];

test('priority, kind, entry, declaration, name, base: each only where those before are equal', () => {
  for (const [left, first] of ordered.entries()) {
    for (const [right, second] of ordered.entries()) {
      expect(Math.sign(comparePlaces(first, second))).toBe(Math.sign(left - right));
    }
  }
});
