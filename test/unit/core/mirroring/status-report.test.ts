import { expect, test } from 'vitest';
import { createMirroringReport, mirrorAbove } from '#core/mirroring/status-report.ts';
import { mirrored } from '#test/support/mirroring/mirrored-images.ts';

const failed = { state: 'BackingOff', lastError: 'no answer' } as const;

test('what fails is told by resource and mirror, with the first image by name', () => {
  const report = createMirroringReport((_, copy) => mirrorAbove([], copy));
  const resource = 'ImageSetMirror/shop/near';
  for (const image of [
    mirrored('quay.io/team/c:1', [failed, failed]),
    mirrored('quay.io/team/b:1', [failed, {}]),
    mirrored('quay.io/team/a:1'),
    mirrored('quay.io/team/d:1', [failed], { resource }),
  ]) {
    report.add(image);
  }
  const first = (name: string, mirror = 0) => ({
    ...{ image: `quay.io/team/${name}:1`, copy: `mirror-${mirror}.example.com/team/${name}:1` },
    ...failed,
  });
  expect(report.finish()).toEqual({
    ...{ images: 4, mirrored: 1, failed: 3 },
    faults: [
      {
        ...{ resource: 'ClusterImageSetMirror/all', mirror: 'mirror-0.example.com', copies: 2 },
        first: first('b'),
      },
      {
        ...{ resource: 'ClusterImageSetMirror/all', mirror: 'mirror-1.example.com', copies: 1 },
        first: first('c', 1),
      },
      { resource, mirror: 'mirror-0.example.com', copies: 1, first: first('d') },
    ],
  });
});

test.each([
  [['m.example.com', 'm.example.com/a', 'm.example.com/a/b'], 'm.example.com/a'],
  [['m.example.com/other'], 'm.example.com'],
  [['m.example.com/a/team', 'm.example.com/a/te'], 'm.example.com/a/team'],
])('of %j the mirror of a copy is %s', (mirrors, expected) => {
  expect(mirrorAbove(mirrors, 'm.example.com/a/team/app:1')).toBe(expected);
});
