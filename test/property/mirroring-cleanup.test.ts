import fc from 'fast-check';
import { expect, test } from 'vitest';
import { CleanupModel } from '#test/support/mirroring/cleanup-model.ts';
import { storeMsMax, viewLagMsMax } from '#test/support/mirroring/cleanup-world.ts';
import { clusterMirror } from '#test/support/routing/resources.ts';

const images = ['docker.io/library/a:1', 'quay.io/library/a:1', 'docker.io/library/b'];
/** Of the first two there can be one copy only. */
const placesOf = (image: string) => {
  const path = image.slice(image.indexOf('/'));
  const tagged = path.includes(':') ? path : `${path}:latest`;
  return [`m.example.com${tagged}`, `n.example.com/x${tagged}`];
};
const retentionsMs = new Map([
  ['ClusterImageSetMirror/one', 20_000],
  ['ClusterImageSetMirror/two', 45_000],
]);

function resources(isNarrow: boolean, hasTwo: boolean) {
  const imageFilter = { include: [isNarrow ? 'docker.io/library/b:.+' : '.+'] };
  const cleanup = (retention: string) => ({ enabled: true, retention });
  const m = { registry: 'm.example.com' };
  const n = { registry: 'n.example.com', path: '/x' };
  return [
    clusterMirror('one', { imageFilter, cleanup: cleanup('20s'), mirrors: [m, n] }),
    ...(hasTwo
      ? [
          clusterMirror('two', {
            imageFilter: { include: ['.+'] },
            cleanup: cleanup('45s'),
            mirrors: [m],
          }),
        ]
      : []),
  ];
}

const command = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constant('wait' as const),
      seconds: fc.integer({ min: 1, max: 45 }),
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant('admit' as const),
      image: fc.constantFrom(...images),
      lagMs: fc.integer({ min: 0, max: viewLagMsMax }),
      storeMs: fc.integer({ min: 0, max: storeMsMax }),
    }),
  },
  {
    weight: 5,
    arbitrary: fc.record({
      kind: fc.constant('end' as const),
      index: fc.nat(9),
      isFinished: fc.boolean(),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant('pause' as const),
      leader: fc.nat(1),
      isPaused: fc.boolean(),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('crash' as const), leader: fc.nat(1) }) },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant('specs' as const),
      isNarrow: fc.boolean(),
      hasTwo: fc.boolean(),
    }),
  },
);
type Command = typeof command extends fc.Arbitrary<infer T> ? T : never;

function run(model: CleanupModel, one: Command, chance: () => boolean): void {
  if (one.kind === 'wait') {
    for (let second = 0; second < one.seconds; second += 1) model.tick(chance);
  } else if (one.kind === 'admit') model.admit(one.image, placesOf(one.image), one);
  else if (one.kind === 'end') model.end(one.index, one.isFinished);
  else if (one.kind === 'pause') model.pause(one.leader, one.isPaused);
  else if (one.kind === 'crash') model.crash(one.leader);
  else model.setResources(resources(one.isNarrow, one.hasTwo));
}

test('no copy is deleted that a Pod uses or is about to use, or that is within its retention', () => {
  let deletions = 0;
  let rewrites = 0;
  fc.assert(
    fc.property(
      fc.array(command, { minLength: 10, maxLength: 60 }),
      fc.infiniteStream(fc.integer({ min: 0, max: 3 })),
      (commands, luck) => {
        const model = new CleanupModel(resources(false, true), (one) => retentionsMs.get(one) ?? 0);
        for (const one of commands) run(model, one, () => luck.next().value !== 0);
        deletions += model.deletions;
        rewrites += model.rewrites;
        expect(model.wrongs).toEqual([]);
      },
    ),
    { numRuns: 300 },
  );
  // What never deletes is never wrong.
  expect(deletions).toBeGreaterThan(100);
  expect(rewrites).toBeGreaterThan(100);
});
