import { expect, test } from 'vitest';
import { type MirroringAnswer, mirroringText } from '#command/mirroring-text.ts';

const quiet: MirroringAnswer = {
  ...{ leads: true, resources: 1, images: 12, mirrored: 12, failed: 0 },
  ...{ running: [], faults: [], totalFaults: 0 },
};

test('copies that run are told in bytes of bytes, with their rate and target', () => {
  const copy = {
    ...{ target: 'mirror.example.com/team', image: 'docker.io/library/nginx:1.27' },
    ...{ bytesPerSecond: 25 * 1_048_576, startedAt: '2026-03-01T12:00:00Z' },
  };
  const text = mirroringText({
    ...{ ...quiet, mirrored: 9, failed: 2, totalFaults: 40 },
    running: [
      { ...copy, bytesDone: 1.5 * 1_048_576, bytesTotal: 12 * 1_048_576 },
      { ...copy, bytesDone: 0, bytesTotal: null, bytesPerSecond: 0 },
    ],
    faults: [
      {
        ...{ resource: 'ImageSetMirror/shop/near', mirror: 'mirror.example.com', copies: 2 },
        ...{ image: 'quay.io/team/app:1', copy: 'mirror.example.com/team/app:1' },
        ...{ state: 'Failed', lastError: 'mirror.example.com: denied' },
      },
    ],
  });
  expect(text).toBe(`
MIRRORING
  docker.io/library/nginx:1.27 -> mirror.example.com/team
    copying: 1.5 MiB of 12 MiB (12 %), 25 MiB/s
  docker.io/library/nginx:1.27 -> mirror.example.com/team
    copying: 0 B, 0 B/s
  ImageSetMirror/shop/near -> mirror.example.com
    2 copies failed, first quay.io/team/app:1 (Failed): mirror.example.com:
    denied
9 of 12 images have all their copies, 2 with a copy that failed. The first 1
faults are shown.
`);
});

test('a replica that follows says who knows more', () => {
  const text = mirroringText({ ...quiet, leads: false }).replaceAll('\n', ' ');
  expect(text).toContain('The leader alone knows which copies are under way.');
});

test('where nothing is mirrored nothing is said', () => {
  expect(mirroringText({ ...quiet, resources: 0 })).toBe('');
});
