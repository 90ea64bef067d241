import { describe, expect, test } from 'vitest';
import { rewrittenImages } from '#core/routing/rewritten-images.ts';

const annotate = (originals: unknown, by: unknown = {}, reasons: unknown = {}) => ({
  'kuik.enix.io/original-images': JSON.stringify(originals),
  'kuik.enix.io/rewritten-by': JSON.stringify(by),
  'kuik.enix.io/reason': JSON.stringify(reasons),
});

describe('what is told of a rewritten Pod', () => {
  test('names each container, what it runs, what it ran, why, and by which resource', () => {
    const annotations = annotate(
      { app: 'nginx', 'init:migrate': 'quay.io/team/migrate:1' },
      { app: 'ImageSetMirror/apps/copies', 'init:migrate': 'ClusterReplicatedImageSet/hub' },
      { app: 'OriginalNotFound', 'init:migrate': 'Preferred' },
    );
    const images = { app: 'm.example.com/nginx', 'init:migrate': 'ghcr.io/team/migrate:1' };
    expect(rewrittenImages({ annotations, images })).toBe(
      'app runs m.example.com/nginx instead of nginx (OriginalNotFound, ImageSetMirror/apps/copies); ' +
        'init:migrate runs ghcr.io/team/migrate:1 instead of quay.io/team/migrate:1 (Preferred, ClusterReplicatedImageSet/hub)',
    );
  });

  test('kuik v2 wrote the originals alone', () => {
    const annotations = { 'kuik.enix.io/original-images': '{"app":"nginx"}' };
    const images = { app: 'm.example.com/nginx' };
    expect(rewrittenImages({ annotations, images })).toBe(
      'app runs m.example.com/nginx instead of nginx',
    );
  });

  test.each([
    ['a Pod that nothing was written on', {}],
    ['annotations copied from a Pod with other containers', annotate({ other: 'nginx' })],
    ['a container that runs its original', annotate({ app: 'm.example.com/nginx' })],
    ['a text that is no map of texts', { 'kuik.enix.io/original-images': '{"app":[1]}' }],
  ])('is nothing for %s', (_, annotations) => {
    expect(rewrittenImages({ annotations, images: { app: 'm.example.com/nginx' } })).toBe(
      undefined,
    );
  });
});
