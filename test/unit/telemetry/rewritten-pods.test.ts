import { expect, test } from 'vitest';
import { createMetrics } from '#telemetry/metrics.ts';
import { rewrittenPodsMetric } from '#telemetry/rewritten-pods.ts';

const metric = 'kube_image_keeper_routing_rewritten_pods';
const since = `${metric}_oldest_timestamp_seconds`;

function pod(
  by: string,
  reason: string,
  given: { phase?: string; image?: string; createdMs?: number } = {},
) {
  const { phase = 'Running', image = 'near.example.com/app:1', createdMs = 5_000 } = given;
  const written = (value: string) => JSON.stringify({ app: value });
  return {
    ...{ phase, createdMs },
    images: { app: image },
    annotations: {
      'kuik.enix.io/original-images': written('app:1'),
      'kuik.enix.io/rewritten-by': written(by),
      'kuik.enix.io/reason': written(reason),
    },
  };
}

async function counted(
  pods: readonly ReturnType<typeof pod>[],
  shown = metric,
): Promise<readonly string[]> {
  const { registry, text } = createMetrics({ build: { version: '1' } });
  const isDeclared = (by: string) => by === 'ImageSetMirror/shop/near';
  rewrittenPodsMetric(registry, { pods: () => pods, isDeclared });
  return (await text()).body.split('\n').filter((line) => line.startsWith(`${shown}{`));
}

test('Pods that run rewritten images are counted by resource and reason, those that finished not', async () => {
  const preferred = pod('ImageSetMirror/shop/near', 'Preferred');
  const finished = pod('ImageSetMirror/shop/near', 'Preferred', { phase: 'Succeeded' });
  const asItCame = pod('ImageSetMirror/shop/near', 'Preferred', { image: 'app:1' });
  expect(await counted([preferred, preferred, finished, asItCame])).toEqual([
    `${metric}{kind="ImageSetMirror",name="shop/near",reason="Preferred"} 2`,
  ]);
});

test('what a Pod only claims makes no series of its own', async () => {
  const claims = Array.from({ length: 500 }, (_, index) => pod(`Made/up-${index}`, `Up-${index}`));
  expect(await counted(claims)).toEqual([
    `${metric}{kind="other",name="other",reason="other"} 500`,
  ]);
});

test('since when Pods run a rewritten image is told by the oldest of them, where that is known', async () => {
  const by = 'ImageSetMirror/shop/near';
  const pods = [9_000, 3_000, 0].map((createdMs) => pod(by, 'OriginalUnreachable', { createdMs }));
  const gone = pod(by, 'OriginalUnreachable', { createdMs: 1_000, phase: 'Failed' });
  const unknown = pod(by, 'Preferred', { createdMs: 0 });
  expect(await counted([...pods, gone, unknown], since)).toEqual([
    `${since}{kind="ImageSetMirror",name="shop/near",reason="OriginalUnreachable"} 3`,
  ]);
});
