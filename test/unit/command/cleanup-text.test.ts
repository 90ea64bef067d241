import { expect, test } from 'vitest';
import { type CleanupAnswer, cleanupText } from '#command/cleanup-text.ts';

const nowMs = Date.parse('2026-03-08T12:00:00Z');
const item: CleanupAnswer['items'][number] = {
  ...{ resource: 'ClusterImageSetMirror/all', image: 'docker.io/library/nginx:1.27' },
  ...{ copy: 'mirror.example.com/library/nginx:1.27', mirror: 'mirror.example.com' },
  ...{ state: 'Unused', why: 'unused', unusedSince: '2026-03-01T12:00:00Z', runs: false },
  ...{ retentionSeconds: 604_800, due: '2026-03-08T12:00:00Z' },
};

test('each copy is told with when it goes and why, within 80 columns', () => {
  const text = cleanupText(
    {
      items: [
        item,
        { ...item, due: '2026-03-09T12:00:00Z', retentionSeconds: 90 * 60, runs: true },
        { ...item, why: 'deleting', unusedSince: null },
      ],
      total: 7,
    },
    nowMs,
  );
  expect(text).toBe(`DUE                   COPY
now                   mirror.example.com/library/nginx:1.27
    docker.io/library/nginx:1.27 on mirror.example.com: unused since
    2026-03-01T12:00:00Z, kept for 168h by ClusterImageSetMirror/all
2026-03-09T12:00:00Z  mirror.example.com/library/nginx:1.27
    docker.io/library/nginx:1.27 on mirror.example.com: unused since
    2026-03-01T12:00:00Z, kept for 90m by ClusterImageSetMirror/all; a Pod still
    runs from it, and as long as it does the copy stays
now                   mirror.example.com/library/nginx:1.27
    docker.io/library/nginx:1.27 on mirror.example.com:
    ClusterImageSetMirror/all is being deleted

7 copies are to be deleted if nothing changes, 2 of them now. The first 3 are
shown.
`);
});

test('that nothing goes is said in words', () => {
  expect(cleanupText({ items: [], total: 0 }, nowMs)).toMatch(/^Nothing is to be deleted: /);
});
