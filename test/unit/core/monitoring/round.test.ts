import { expect, test } from 'vitest';
import { describeRound, fullRound } from '#core/monitoring/round.ts';

const hourMs = 3_600_000;
const paceOf = (registry: string) =>
  registry === 'docker.io'
    ? { intervalMs: hourMs, maxPerInterval: 6 }
    : { intervalMs: 3 * hourMs, maxPerInterval: 25 };

test('a full round takes as long as the registry that is slowest to be checked through', () => {
  const counts = new Map([
    ['quay.io', 600],
    ['docker.io', 500],
    ['ghcr.io', 0],
  ]);
  const round = fullRound(counts, paceOf);
  expect(round).toMatchObject({ registry: 'docker.io', images: 500 });
  expect((round?.durationMs ?? 0) / hourMs).toBeCloseTo(83.3, 1);
  expect(fullRound(new Map(), paceOf)).toBeUndefined();
  expect(fullRound(new Map([['docker.io', 0]]), paceOf)).toBeUndefined();
});

test.each([
  ['docker.io', 500, 'takes 83 h: 500 images of docker.io at 6 an hour.'],
  ['docker.io', 1, 'takes 10 min: 1 image of docker.io at 6 an hour.'],
  ['docker.io', 503, 'takes 84 h: some 500 images of docker.io at 6 an hour.'],
  ['docker.io', 20_000, 'takes 140 days: 20000 images of docker.io at 6 an hour.'],
  ['quay.io', 25, 'takes 3 h: 25 images of quay.io at 25 every 3 h.'],
])('of %s with %d images it says so', (registry, images, expected) => {
  const round = fullRound(new Map([[registry, images]]), paceOf);
  expect(round && describeRound(round)).toBe(`One full round of checks ${expected}`);
});

test('names short intervals, too', () => {
  const round = fullRound(new Map([['localhost:5000', 4]]), () => ({
    intervalMs: 1_000,
    maxPerInterval: 2,
  }));
  expect(round && describeRound(round)).toBe(
    'One full round of checks takes 2 s: 4 images of localhost:5000 at 2 a second.',
  );
});
