import { expect, test } from 'vitest';
import { createMetrics } from '#telemetry/metrics.ts';
import { rewrittenPodsMetric } from '#telemetry/rewritten-pods.ts';

const metric = 'kube_image_keeper_routing_rewritten_pods';

function pod(by: string, reason: string, given: { phase?: string; image?: string } = {}) {
  const { phase = 'Running', image = 'near.example.com/app:1' } = given;
  const written = (value: string) => JSON.stringify({ app: value });
  return {
    phase,
    images: { app: image },
    annotations: {
      'kuik.enix.io/original-images': written('app:1'),
      'kuik.enix.io/rewritten-by': written(by),
      'kuik.enix.io/reason': written(reason),
    },
  };
}

async function counted(pods: readonly ReturnType<typeof pod>[]): Promise<readonly string[]> {
  const { registry, text } = createMetrics({ build: { version: '1' } });
  const isDeclared = (by: string) => by === 'ImageSetMirror/shop/near';
  rewrittenPodsMetric(registry, { pods: () => pods, isDeclared });
  return (await text()).body.split('\n').filter((line) => line.startsWith(`${metric}{`));
}

test('Pods that run rewritten images are counted by resource and reason, those that finished not', async () => {
  const preferred = pod('ImageSetMirror/shop/near', 'Preferred');
  const finished = pod('ImageSetMirror/shop/near', 'Preferred', { phase: 'Succeeded' });
  const asItCame = pod('ImageSetMirror/shop/near', 'Preferred', { image: 'app:1' });
  expect(await counted([preferred, preferred, finished, asItCame])).toEqual([
    `${metric}{reason="Preferred",kind="ImageSetMirror",name="shop/near"} 2`,
  ]);
});

test('what a Pod only claims makes no series of its own', async () => {
  const claims = Array.from({ length: 500 }, (_, index) => pod(`Made/up-${index}`, `Up-${index}`));
  expect(await counted(claims)).toEqual([
    `${metric}{reason="other",kind="other",name="other"} 500`,
  ]);
});
