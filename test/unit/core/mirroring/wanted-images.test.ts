import { describe, expect, test } from 'vitest';
import { createOriginalJudge } from '#core/mirroring/original-judge.ts';
import { RunningImages } from '#core/mirroring/running-images.ts';
import { createWantsReader } from '#core/mirroring/wanted-images.ts';
import { compileTable } from '#core/routing/table.ts';
import { twinPod } from '../../../support/mirroring/mirror-twin.ts';
import {
  clusterMirror,
  clusterSet,
  namespacedMirror,
  namespacedSet,
  reference,
} from '../../../support/routing/resources.ts';

const table = compileTable([
  clusterMirror('m', {
    imageFilter: { include: ['nothing-at-all'] },
    mirrors: [{ registry: 'm.example.com', path: '/copies' }],
  }),
  clusterSet('s', {
    upstreams: [
      { registry: 'docker.io', path: '/library/', imageFilter: { include: ['/nothing'] } },
      { registry: 'quay.io', path: '/lib/' },
    ],
  }),
]);
const recorded = 'old.example.com/library/nginx:1';
const judge = createOriginalJudge(
  table,
  (copy, original) => copy === recorded && original === 'docker.io/library/nginx:1',
);

function wants(image: string, original?: string) {
  const read = createWantsReader(judge);
  const pod = twinPod(image, original === undefined ? {} : { original });
  return read(pod).wanted.map(({ image: text }) => text);
}

describe('a Pod wants', () => {
  test.each([
    ['its image', 'nginx:1', undefined, ['docker.io/library/nginx:1']],
    [
      'its original alone where a mirror put its image there',
      ...(['m.example.com/copies/library/nginx:1', 'nginx:1'] as const),
      ['docker.io/library/nginx:1'],
    ],
    [
      'both where a set put its image there, filters aside',
      ...(['quay.io/lib/nginx:1', 'nginx:1'] as const),
      ['docker.io/library/nginx:1', 'quay.io/lib/nginx:1'],
    ],
    [
      'its original where the image is the copy of an equivalent',
      ...(['m.example.com/copies/lib/nginx:1', 'nginx:1'] as const),
      ['docker.io/library/nginx:1'],
    ],
    [
      'its original where a status records the copy, though no resource proposes it',
      ...([recorded, 'nginx:1'] as const),
      ['docker.io/library/nginx:1'],
    ],
    [
      'its image where the annotation names another original than the copy can be of',
      ...(['m.example.com/copies/library/redis:1', 'nginx:1'] as const),
      ['m.example.com/copies/library/redis:1'],
    ],
    [
      'its image where the annotation was copied from another Pod',
      ...(['ghcr.io/else/where:1', 'private.example.com/secret:1'] as const),
      ['ghcr.io/else/where:1'],
    ],
    [
      'its image where the annotation says that it was what it is',
      ...(['nginx:1', 'nginx:1'] as const),
      ['docker.io/library/nginx:1'],
    ],
    [
      'its image where the tags differ',
      'm.example.com/copies/library/nginx:2',
      'nginx:1',
      ['m.example.com/copies/library/nginx:2'],
    ],
  ])('%s', (_, image, original, expected) => {
    expect(wants(image, original)).toEqual(expected);
  });

  test('what is recorded matters only where no resource proposes the image', () => {
    const fresh = createOriginalJudge(table, () => false);
    const judged = (now: string) =>
      fresh.judge({ original: reference('nginx:1'), now: reference(now), namespace: 'apps' });
    judged('m.example.com/copies/library/nginx:1');
    judged(recorded);
    expect(fresh.dependsOn('m.example.com/copies/library/nginx:1')).toBe(false);
    expect(fresh.dependsOn(recorded)).toBe(true);
  });

  test('no original for what another namespace declares, or records', () => {
    const mirror = namespacedMirror('team/own', {
      imageFilter: { include: ['.+'] },
      mirrors: [{ registry: 'own.example.com', path: '/m' }],
    });
    const set = namespacedSet('team/s', {
      upstreams: [
        { registry: 'private.example.com', imageFilter: { include: ['/.+'] } },
        { registry: 'evil.example.com' },
      ],
    });
    const isRecorded = (_: string, __: string, namespace: string) => namespace === 'team';
    const own = createOriginalJudge(compileTable([mirror, set]), isRecorded);
    const claims = [
      ['own.example.com/m/library/nginx:1', 'nginx:1'],
      ['evil.example.com/secret:1', 'private.example.com/secret:1'],
      ['recorded.example.com/library/nginx:1', 'nginx:1'],
    ] as const;
    const judged = (namespace: string) =>
      claims.map(([now, original]) =>
        own.judge({ original: reference(original), now: reference(now), namespace }),
      );
    expect(judged('team')).toEqual(['mirror', 'mirror', 'mirror']);
    expect(judged('apps')).toEqual([undefined, undefined, undefined]);
    // Pods of one template, the annotation included, in two namespaces.
    const read = createWantsReader(own);
    const [now, original] = claims[0];
    const pod = twinPod(now, { original });
    expect(read(pod).wanted.map(({ image }) => image)).toEqual([now]);
    const theirs = read({ ...pod, namespace: 'team' });
    expect(theirs.wanted.map(({ image }) => image)).toEqual(['docker.io/library/nginx:1']);
  });

  test('what containers of several kinds use, each image once, with the containers that use it', () => {
    const read = createWantsReader(judge);
    const images = { app: 'nginx:1', 'init:one': 'nginx:1', 'volume:two': 'ghcr.io/a/b:1' };
    const { wanted } = read(twinPod('', { images }));
    expect(wanted.map(({ image, containers }) => [image, containers])).toEqual([
      ['docker.io/library/nginx:1', ['app', 'init:one']],
      ['ghcr.io/a/b:1', ['volume:two']],
    ]);
  });

  test('the same as Pods of its template, of which one is read', () => {
    const read = createWantsReader(judge);
    const pod = twinPod('nginx:1');
    expect(read({ ...pod })).toBe(read({ ...pod, annotations: {} }));
  });
});

describe('what runs', () => {
  const read = createWantsReader(judge);

  test('is the image as now written, untagged or not, and what was rewritten from', () => {
    const running = new RunningImages();
    running.put('a', read(twinPod('m.example.com/copies/library/nginx', { original: 'nginx' })));
    expect(running.isRun('m.example.com/copies/library/nginx:latest')).toBe(true);
    expect(running.isOriginal('docker.io/library/nginx:latest')).toBe(true);
    expect(running.isRun('docker.io/library/nginx:latest')).toBe(false);
  });

  test('is released by its last Pod alone, and not by one that goes on running it', () => {
    const running = new RunningImages();
    running.put('a', read(twinPod('nginx:1')));
    running.put('b', read(twinPod('nginx:1')));
    running.put('a', undefined);
    expect(running.takeReleased().running.size).toBe(0);
    running.put('b', read(twinPod('nginx:1', { images: { app: 'nginx:1', side: 'redis:7' } })));
    expect(running.takeReleased().running.size).toBe(0);
    running.put('b', undefined);
    expect([...running.takeReleased().running].sort()).toEqual([
      'docker.io/library/nginx:1',
      'docker.io/library/redis:7',
    ]);
    expect(running.takeReleased().running.size).toBe(0);
  });
});
