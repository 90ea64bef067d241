import fc from 'fast-check';
import { expect, test } from 'vitest';
import { candidates } from '#core/routing/candidates.ts';
import { type CandidatePlace, comparePlaces } from '#core/routing/order.ts';
import { compileTable } from '#core/routing/table.ts';
import { reference } from '#test/support/routing/resources.ts';
import {
  containerArbitrary,
  placeArbitrary,
  resourcesArbitrary,
  stored,
} from '#test/support/routing/routing-arbitraries.ts';
import { type ModelResource, modelCandidates } from '#test/support/routing/routing-model.ts';

interface Asked {
  readonly image: string;
  readonly policy: 'Always' | 'IfNotPresent';
  readonly namespace: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly honoured: boolean;
}

const askedArbitrary: fc.Arbitrary<Asked> = fc
  .tuple(containerArbitrary, placeArbitrary, fc.boolean())
  .map(([container, place, honoured]) => ({ ...container, ...place, honoured }));

function find(resources: readonly ModelResource[], asked: Asked) {
  const { image, policy, honoured, ...pod } = asked;
  const subject = { ...pod, annotations: {}, image: reference(image), imagePullPolicy: policy };
  return candidates(compileTable(stored(resources)), subject, {
    honorPrioritiesOnAlwaysImagePullPolicy: honoured,
  });
}

const shown = (found: ReturnType<typeof find>) => found.map(({ image, by }) => ({ image, by }));

test('the candidates and their order are those that the contract names, one by one', () => {
  fc.assert(
    fc.property(resourcesArbitrary, askedArbitrary, (resources, asked) => {
      const { honoured: honoursPrioritiesOnAlways, ...rest } = asked;
      const expected = modelCandidates(resources, { ...rest, honoursPrioritiesOnAlways });
      expect(shown(find(resources, asked)).map(({ image }) => image)).toEqual(
        expected.map(({ image }) => image),
      );
      expect(shown(find(resources, asked))).toEqual(expected);
    }),
    { numRuns: 600 },
  );
});

test('most of the worlds that are made up propose something', () => {
  const worlds = fc.sample(fc.tuple(resourcesArbitrary, askedArbitrary), { numRuns: 300, seed: 1 });
  const found = worlds.map(([resources, asked]) => find(resources, asked).length);
  expect(found.filter((count) => count > 1).length).toBeGreaterThan(150);
  expect(found.filter((count) => count > 4).length).toBeGreaterThan(20);
});

test('the order is the same in whatever order resources are listed', () => {
  const arbitrary = resourcesArbitrary.chain((resources) =>
    fc.tuple(
      fc.constant(resources),
      fc.shuffledSubarray(resources, { minLength: resources.length }),
    ),
  );
  fc.assert(
    fc.property(arbitrary, askedArbitrary, ([resources, shuffled], asked) => {
      expect(find(shuffled, asked)).toEqual(find(resources, asked));
    }),
    { numRuns: 300 },
  );
});

test('the order is the same whether a table is compiled anew or taken over from the last', () => {
  fc.assert(
    fc.property(resourcesArbitrary, resourcesArbitrary, askedArbitrary, (before, after, asked) => {
      const { image, policy, honoured, ...pod } = asked;
      const subject = { ...pod, annotations: {}, image: reference(image), imagePullPolicy: policy };
      const switches = { honorPrioritiesOnAlwaysImagePullPolicy: honoured };
      const first = compileTable(stored(before));
      // Asked once, so that what is remembered is there to be taken over.
      candidates(first, subject, switches);
      const taken = candidates(
        compileTable(stored([...before, ...after]), first),
        subject,
        switches,
      );
      expect(taken).toEqual(
        candidates(compileTable(stored([...before, ...after])), subject, switches),
      );
    }),
    { numRuns: 200 },
  );
});

test('places are in a total order: any two, any three', () => {
  const small = fc.integer({ min: -1, max: 1 });
  const place: fc.Arbitrary<CandidatePlace> = fc.record({
    priority: fc.oneof(small, fc.constant(Number.NEGATIVE_INFINITY)),
    kind: fc.constantFrom(
      ...(['original', 'ClusterImageSetMirror', 'ImageSetMirror'] as const),
      ...(['ClusterReplicatedImageSet', 'ReplicatedImageSet'] as const),
    ),
    entryPriority: small,
    declaration: fc.nat(1),
    namespace: fc.constantFrom('', 'a', 'b'),
    name: fc.constantFrom('a', 'B', 'ä'),
    base: fc.nat(1),
  });
  fc.assert(
    fc.property(place, place, place, (a, b, c) => {
      expect(Math.sign(comparePlaces(a, b))).toBe(-Math.sign(comparePlaces(b, a)) + 0);
      if (comparePlaces(a, b) === 0) expect(a).toEqual(b);
      if (comparePlaces(a, b) <= 0 && comparePlaces(b, c) <= 0) {
        expect(comparePlaces(a, c)).toBeLessThanOrEqual(0);
      }
    }),
    { numRuns: 2_000 },
  );
});
