import { describe, expect, test } from 'vitest';
import { candidates, candidatesInSteps } from '#core/routing/candidates.ts';
import { planInSteps } from '#core/routing/containers.ts';
import { compileInSteps, compileTable } from '#core/routing/table.ts';
import { drain } from '#core/steps.ts';
import { defaultRoutingPolicy } from '#test/support/routing/default-policy.ts';
import { admissionOf, container, podOf } from '#test/support/routing/pods.ts';
import { clusterMirror, clusterSet, reference } from '#test/support/routing/resources.ts';

const everything = { include: ['.*'] };
const subject = (image: string) => ({
  image: reference(image),
  ...{
    namespace: 'default',
    labels: {},
    annotations: {},
    imagePullPolicy: 'IfNotPresent' as const,
  },
});

/** The longest piece of some work, in its own CPU time, and what it came to. */
function longestPiece<T>(work: Generator<void, T>): { readonly ms: number; readonly value: T } {
  let ms = 0;
  for (;;) {
    const before = process.threadCpuUsage();
    const { done, value } = work.next();
    const { user, system } = process.threadCpuUsage(before);
    ms = Math.max(ms, (user + system) / 1_000);
    if (done === true) return { ms, value };
  }
}

/** Nothing may hold the event loop for longer; what else the machine does is not counted. */
const pieceMsMax = 50;

const upstreams = (set: number) =>
  Array.from({ length: 32 }, (_, index) => ({
    registry: index === 0 ? 'quay.io' : `r${index}.s${set}.example.com`,
    ...(index === 0 && { imageFilter: everything }),
  }));
const mirrors = (mirror: number) =>
  Array.from({ length: 64 }, (_, index) => ({ registry: `m${index}.x${mirror}.example.com` }));
const crowd = compileTable([
  ...[1, 2, 3, 4, 5, 6].map((one) => clusterSet(`s${one}`, { upstreams: upstreams(one) })),
  ...[1, 2, 3, 4, 5, 6].map((one) =>
    clusterMirror(`m${one}`, { priority: one - 3, imageFilter: everything, mirrors: mirrors(one) }),
  ),
]);

describe('the candidates of an image', () => {
  test('are the original and the first 64 others, in order', () => {
    const work = candidatesInSteps(crowd, subject('quay.io/team/app:1'), defaultRoutingPolicy);
    const { ms, value } = longestPiece(work);
    expect(ms).toBeLessThan(pieceMsMax);
    expect(value.isCut).toBe(true);
    expect(value.candidates).toHaveLength(65);
    expect(value.candidates.slice(0, 64).map(({ image }) => image)).toEqual(
      mirrors(1).map(({ registry }) => `${registry}/team/app:1`),
    );
    expect(value.candidates.at(-1)).toMatchObject({ original: true });
  });

  test('are told as cut only where one is left out', () => {
    const table = (count: number) =>
      compileTable([
        clusterMirror('m', { imageFilter: everything, mirrors: mirrors(1).slice(0, count) }),
        clusterSet('s', {
          upstreams: [{ registry: 'quay.io', imageFilter: everything }, { registry: 'ghcr.io' }],
        }),
      ]);
    const isCut = (count: number) =>
      drain(candidatesInSteps(table(count), subject('quay.io/team/app:1'), defaultRoutingPolicy))
        .isCut;
    expect(isCut(63)).toBe(false);
    expect(isCut(64)).toBe(true);
  });
});

describe('the images of a Pod', () => {
  test('are routed as far as 64 go; the rest keep theirs, with a warning', () => {
    const containers = Array.from({ length: 3_000 }, (_, index) =>
      container(`c${index}`, `quay.io/team/app${index}:1`),
    );
    const pod = podOf('quay.io/team/app:1', { spec: { containers } });
    const { ms, value } = longestPiece(planInSteps(crowd, admissionOf(pod), defaultRoutingPolicy));
    expect(ms).toBeLessThan(pieceMsMax);
    expect(value.containers).toHaveLength(64);
    expect(value.warnings.join()).toContain('only 64 images of a Pod are routed, 2936 keep theirs');
    expect(value.warnings.join()).toContain(
      'quay.io/team/app0:1: only the first 64 other images are considered',
    );
  });
});

describe('patterns', () => {
  const many = (make: (index: number) => string) =>
    clusterSet('wide', {
      upstreams: Array.from({ length: 32 }, (_, upstream) => ({
        registry: `r${upstream}.example.com`,
        imageFilter: {
          include: Array.from({ length: 16 }, (__, index) => make(upstream * 32 + index)),
          exclude: Array.from({ length: 16 }, (__, index) => make(upstream * 32 + 16 + index)),
        },
      })),
    });

  test('beyond what a resource may have together leave it invalid, with the figure', () => {
    const set = many((index) => `(?i)${'\\pL'.repeat(40)}${index}`);
    const { ms, value } = longestPiece(compileInSteps([set]));
    expect(ms).toBeLessThan(pieceMsMax);
    expect(value.problems.at(-1)?.message).toMatch(
      /at most 400000 instructions and ranges of characters together, got \d+ up to/,
    );
  });

  test('a thousand of those that people write are well within', () => {
    const set = many((index) => `docker\\.io/library/team-${index}/(app|web)-[a-z0-9]+:v[0-9.]+`);
    const { ms, value } = longestPiece(compileInSteps([set]));
    expect(ms).toBeLessThan(pieceMsMax);
    expect(value.problems).toEqual([]);
  });

  const slow = { include: Array.from({ length: 16 }, (_, index) => `((a|b|.)?){${800 + index}}z`) };
  const long = `quay.io/${'a/'.repeat(100)}a:1`;

  test('that take too many steps do not apply to that Pod, which is warned; the rest does', () => {
    const table = compileTable([
      clusterMirror('slow', { imageFilter: slow, mirrors: [{ registry: 'slow.example.com' }] }),
      clusterMirror('fast', { imageFilter: everything, mirrors: [{ registry: 'm.example.com' }] }),
    ]);
    expect(table.problems).toEqual([]);
    const { ms, value } = longestPiece(
      planInSteps(table, admissionOf(podOf(long)), defaultRoutingPolicy),
    );
    expect(ms).toBeLessThan(pieceMsMax);
    expect(value.warnings).toEqual([
      `ClusterImageSetMirror/slow does not apply: its patterns took too many steps on ${long}`,
    ]);
    expect(candidates(table, subject(long), defaultRoutingPolicy).map(({ by }) => by)).toEqual([
      'original',
      'ClusterImageSetMirror/fast',
    ]);
  });

  test('of a namespace that take too many steps do not apply either', () => {
    const namespace = 'a'.repeat(63);
    const table = compileTable([
      clusterMirror('slow', {
        ...{ imageFilter: everything, namespaceFilter: slow },
        mirrors: [{ registry: 'slow.example.com' }],
      }),
    ]);
    const admission = admissionOf(podOf('quay.io/team/app:1'), { namespace });
    const { ms, value } = longestPiece(planInSteps(table, admission, defaultRoutingPolicy));
    expect(ms).toBeLessThan(pieceMsMax);
    expect(value.warnings.join()).toContain('ClusterImageSetMirror/slow does not apply');
  });
});
