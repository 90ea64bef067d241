import fc from 'fast-check';
import { expect, test } from 'vitest';
import { admissionOf, container } from '#test/support/routing/pods.ts';
import { type ImagePlan, startRouter } from '#test/support/routing/router-stage.ts';
import {
  containerArbitrary,
  placeArbitrary,
  plansArbitrary,
  reputationArbitrary,
  resourcesArbitrary,
  stored,
} from '#test/support/routing/routing-arbitraries.ts';
import { modelCandidates } from '#test/support/routing/routing-model.ts';
import { modelDecision } from '#test/support/routing/routing-outcome-model.ts';

const timeoutMs = 1_000;

const worldArbitrary = fc.record({
  resources: resourcesArbitrary,
  containers: fc.array(containerArbitrary, { minLength: 1, maxLength: 3 }),
  place: placeArbitrary,
  honoursPrioritiesOnAlways: fc.boolean(),
  plans: plansArbitrary,
  reputation: reputationArbitrary,
});
type World = typeof worldArbitrary extends fc.Arbitrary<infer T> ? T : never;

/** Each image gets a plan of its own, the same wherever it comes up. */
function planned(images: readonly string[], plans: readonly ImagePlan[]) {
  const entries = [...new Set(images)].map((image, index) => [image, plans[index % plans.length]]);
  return Object.fromEntries(entries) as Readonly<Record<string, ImagePlan>>;
}

/** What the contract says of each container. */
function expectedOf({ resources, containers, place, plans, reputation, ...rest }: World) {
  const { honoursPrioritiesOnAlways } = rest;
  const subjects = containers.map((one) => ({ ...one, ...place, honoursPrioritiesOnAlways }));
  const candidates = subjects.map((subject) => modelCandidates(resources, subject));
  const images = planned(
    candidates.flat().map(({ image }) => image),
    plans,
  );
  const decisions = subjects.map((subject, index) => ({
    ...modelDecision(candidates[index] ?? [], subject, { timeoutMs, images, ...reputation }),
    candidates: candidates[index],
  }));
  return { images, decisions };
}

/** What the router makes of the same. */
async function actualOf(world: World, images: Readonly<Record<string, ImagePlan>>) {
  const { resources, containers, place, honoursPrioritiesOnAlways, reputation } = world;
  const stage = startRouter({
    resources: stored(resources),
    policy: { honorPrioritiesOnAlwaysImagePullPolicy: honoursPrioritiesOnAlways },
    ...{ timeoutMs, images, ...reputation },
  });
  const pod = {
    metadata: { labels: place.labels },
    spec: {
      containers: containers.map(({ image, policy }, index) =>
        container(`c${index}`, image, policy),
      ),
    },
  };
  const answer = await stage.admit(admissionOf(pod, { namespace: place.namespace }));
  const decisions = answer.decisions.map(({ winner, reason, candidates }) => ({
    ...{ winner, reason },
    candidates: candidates.map(({ image, by }) => ({ image, by })),
  }));
  return { answer, decisions };
}

test('whatever is declared and whatever registries answer, the decision is the contract’s', async () => {
  await fc.assert(
    fc.asyncProperty(worldArbitrary, async (world) => {
      const expected = expectedOf(world);
      const { answer, decisions } = await actualOf(world, expected.images);
      expect(decisions).toEqual(expected.decisions);
      // However many hang: one timeout, not their sum.
      expect(answer.tookMs).toBeLessThanOrEqual(timeoutMs);
      const unhappy = decisions.some(({ reason }) => reason === 'NothingAvailable');
      expect(answer.warnings.length > 0).toBe(unhappy);
    }),
    { numRuns: 200 },
  );
}, 30_000);

test('worlds that are made up come to every reason there is', () => {
  const worlds = fc.sample(worldArbitrary, { numRuns: 300, seed: 1 });
  const reasons = new Set(
    worlds.flatMap((world) => expectedOf(world).decisions).map(({ reason }) => reason),
  );
  expect([...reasons].toSorted()).toEqual([
    'NothingAvailable',
    'OnlyCandidate',
    'OriginalAvailable',
    'OriginalDiscarded',
    'OriginalInvalidAuth',
    'OriginalNotFound',
    'OriginalQuotaExceeded',
    'OriginalUnreachable',
    'Preferred',
  ]);
});
