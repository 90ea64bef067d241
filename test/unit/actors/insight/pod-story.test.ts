import { expect, test } from 'vitest';
import { tellStory } from '#actors/insight/pod-stories.ts';
import { DecisionRing } from '#core/insight/decision-ring.ts';
import type { PodMetadata } from '#core/pod.ts';
import type { RouteDecision, RouteExplanation } from '#core/routing/decision.ts';
import type { SlimPod } from '#kube/slim-pod.ts';

const original = 'docker.io/team/app:1';
const instead = 'ghcr.io/team/app:1';
const reviewedMs = 1_000_000;

const controlledBy = (name: string) => [
  { apiVersion: 'apps/v1', kind: 'ReplicaSet', name, uid: name, controller: true },
];
const generated: PodMetadata = {
  generateName: 'web-7d4b9-',
  ownerReferences: controlledBy('web-7d4b9'),
};

const stored: SlimPod = {
  ...{ uid: '1', namespace: 'shop', name: 'web-7d4b9-abcde', labels: {}, annotations: {} },
  ...{ images: { app: instead }, pullSecrets: [], phase: 'Running', createdMs: reviewedMs },
  owner: { apiVersion: 'apps/v1', kind: 'ReplicaSet', name: 'web-7d4b9' },
};

const decided = (winner = instead, message = ''): readonly RouteDecision[] => [
  {
    ...{ key: 'app', image: original, winner, by: 'original', reason: 'Preferred' },
    ...{ message, candidates: [], ms: 1 },
  },
];

const today = { winner: original, nearMisses: [] } as unknown as RouteExplanation;

/** What the story of a Pod remembers of its review. */
async function remembered(reviews: DecisionRing, pod: SlimPod = stored) {
  const options = { recorder: { reviews }, explain: async () => today };
  const story = await tellStory(pod, options, new AbortController().signal);
  return story.containers[0]?.decision ?? null;
}

/** After one review. */
async function after(metadata: PodMetadata, decisions = decided(), pod: Partial<SlimPod> = {}) {
  const reviews = new DecisionRing();
  reviews.record({ namespace: 'shop', metadata }, decisions, reviewedMs);
  return await remembered(reviews, { ...stored, ...pod });
}

test('a Pod whose name was generated after its review finds it by owner, images and time', async () => {
  expect(await after(generated)).toMatchObject({ winner: instead, at: '1970-01-01T00:16:40Z' });
});

test('it is not taken for one of another owner, name, namespace, image or time', async () => {
  const other = { ...generated, ownerReferences: controlledBy('api-5c6f7') };
  expect(await after(other)).toBeNull();
  expect(await after({ ...generated, generateName: 'api-' })).toBeNull();
  expect(await after(generated, decided(), { namespace: 'billing' })).toBeNull();
  expect(await after(generated, decided(original))).toBeNull();
  expect(await after(generated, decided(), { createdMs: reviewedMs + 16_000 })).toBeNull();
  expect(await after(generated, decided(), { createdMs: reviewedMs - 16_000 })).toBeNull();
});

test('a name that was known has to be the same, and not just the beginning', async () => {
  const { owner: _, ...alone } = stored;
  const find = async (name: string) => {
    const reviews = new DecisionRing();
    reviews.record({ namespace: 'shop', metadata: { name } }, decided(), reviewedMs);
    return await remembered(reviews, alone);
  };
  expect(await find('web-7d4b9-abcde')).toMatchObject({ winner: instead });
  expect(await find('web-7d4b9')).toBeNull();
});

test('of several reviews of Pods that are alike the one that is nearest in time is told', async () => {
  const reviews = new DecisionRing();
  for (const [message, laterMs] of [
    ['long before', -9_000],
    ['just before', -400],
    ['long after', 9_000],
  ] as const) {
    const about = { namespace: 'shop', metadata: generated };
    reviews.record(about, decided(instead, message), reviewedMs + laterMs);
  }
  expect(await remembered(reviews)).toMatchObject({ message: 'just before' });
});

test('no registry is asked for one who went away, and beyond fifty containers', async () => {
  const asked: string[] = [];
  const options = {
    recorder: { reviews: new DecisionRing() },
    explain: async ({ image }: { readonly image: string }) => {
      asked.push(image);
      return today;
    },
  };
  const images = Object.fromEntries(
    Array.from({ length: 60 }, (_, index) => [`c${index}`, `quay.io/team/app:${index}`]),
  );
  const { containers } = await tellStory({ ...stored, images }, options, AbortSignal.timeout(1e6));
  expect([containers.length, asked.length, containers[50]?.today]).toEqual([60, 50, null]);
  await tellStory({ ...stored, images }, options, AbortSignal.abort());
  expect(asked).toHaveLength(50);
});
