import { expect, test } from 'vitest';
import { hasText, type RecordedReview } from '#core/insight/decision-ring.ts';

const review: RecordedReview = {
  ...{ id: 1, atMs: 0, namespace: 'shop', pod: 'cart-1', isGenerated: false },
  owner: 'ReplicaSet/cart',
  decisions: [
    {
      ...{ key: 'app', image: 'docker.io/library/redis:7', message: 'secret words', ms: 1 },
      ...{ winner: 'mirror.example.com/redis:7', by: 'ClusterImageSetMirror/all' },
      ...{ reason: 'OriginalUnreachable', candidates: [] },
    },
  ],
};

test.each([
  [undefined, true],
  ['shop/cart', true],
  ['REDIS:7', true],
  ['mirror.example', true],
  ['replicaset/cart', true],
  ['clusterimagesetmirror', true],
  ['OriginalUnreachable', true],
  ['quay.io', false],
  ['secret words', false],
])('a decision with the text %j is found: %j', (text, found) => {
  expect(hasText(review, text)).toBe(found);
});
