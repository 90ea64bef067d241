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
  ['ClusterImageSetMirror/one', 5_000],
  ['ClusterImageSetMirror/two', 20_000],
]);

function resources(isNarrow: boolean, hasTwo: boolean) {
  const imageFilter = { include: [isNarrow ? 'docker.io/library/b:.+' : '.+'] };
  const cleanup = (retention: string) => ({ enabled: true, retention });
  const m = { registry: 'm.example.com' };
  const n = { registry: 'n.example.com', path: '/x' };
  return [
    clusterMirror('one', { imageFilter, cleanup: cleanup('5s'), mirrors: [m, n] }),
    ...(hasTwo
      ? [
          clusterMirror('two', {
            imageFilter: { include: ['.+'] },
            cleanup: cleanup('20s'),
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
      kind: fc.constant('deafen' as const),
      leader: fc.nat(1),
      isDeaf: fc.boolean(),
    }),
  },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('pause' as const) }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('resume' as const) }) },
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

/** Unused until a DELETE is near; then a Pod comes, with or without another leader meanwhile. */
const nearDeletion = fc.record({
  kind: fc.constant('near' as const),
  image: fc.constantFrom(...images),
  beforeSeconds: fc.integer({ min: 33, max: 42 }),
  isPaused: fc.boolean(),
  awaySeconds: fc.integer({ min: 15, max: 22 }),
});
type Command = typeof command extends fc.Arbitrary<infer T> ? T : never;
type NearDeletion = typeof nearDeletion extends fc.Arbitrary<infer T> ? T : never;

function commandsOf(near: NearDeletion): readonly Command[] {
  const { image, beforeSeconds, isPaused, awaySeconds } = near;
  const admit = { kind: 'admit', image, lagMs: 0, storeMs: 0 } as const;
  const wait = (seconds: number) => ({ kind: 'wait', seconds }) as const;
  const end = Array.from(
    { length: 8 },
    () => ({ kind: 'end', index: 0, isFinished: false }) as const,
  );
  const away = isPaused ? ([{ kind: 'pause' }, wait(awaySeconds)] as const) : [];
  const meanwhile = [admit, wait(1), admit, wait(1), admit, wait(1)];
  const back = [{ kind: 'resume' }, wait(2)] as const;
  return [admit, wait(6), ...end, wait(beforeSeconds), ...away, ...meanwhile, ...back];
}

function run(model: CleanupModel, one: Command, chance: () => boolean): void {
  if (one.kind === 'wait') {
    for (let second = 0; second < one.seconds; second += 1) model.tick(chance);
  } else if (one.kind === 'admit') model.admit(one.image, placesOf(one.image), one);
  else if (one.kind === 'end') model.end(one.index, one.isFinished);
  else if (one.kind === 'pause') model.pause();
  else if (one.kind === 'resume') model.resume();
  else if (one.kind === 'deafen') model.deafen(one.leader, one.isDeaf);
  else if (one.kind === 'crash') model.crash(one.leader);
  else model.setResources(resources(one.isNarrow, one.hasTwo));
}

test('no copy is deleted that a Pod uses or is about to use, or that is within its retention', {
  timeout: 120_000,
}, () => {
  let deletions = 0;
  let rewrites = 0;
  fc.assert(
    fc.property(
      fc.array(fc.oneof({ weight: 20, arbitrary: command }, nearDeletion), {
        ...{ minLength: 20, maxLength: 80 },
      }),
      fc.infiniteStream(fc.integer({ min: 0, max: 7 })),
      (commands, luck) => {
        const model = new CleanupModel(resources(false, true), (one) => retentionsMs.get(one) ?? 0);
        const all = commands.flatMap((one) => (one.kind === 'near' ? commandsOf(one) : one));
        for (const one of all) run(model, one, () => luck.next().value !== 0);
        deletions += model.deletions;
        rewrites += model.rewrites;
        expect(model.wrongs).toEqual([]);
      },
    ),
    { numRuns: 100 },
  );
  // What never deletes is never wrong.
  expect(deletions).toBeGreaterThan(100);
  expect(rewrites).toBeGreaterThan(100);
});
