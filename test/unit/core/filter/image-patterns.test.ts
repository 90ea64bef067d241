import { expect, test } from 'vitest';
import { imagePatterns } from '#core/filter/image-patterns.ts';
import { reference } from '#test/support/routing/resources.ts';

test.each([
  [['registry\\.local/.+'], 'registry.local/team/app:1', true],
  [['registry\\.local/.+'], 'docker.io/registry.local/app', false],
  [['docker.io/library/nginx'], 'nginx', true],
  [['docker.io/library/nginx:latest'], 'nginx', true],
  [['nginx'], 'nginx', false],
  [['a', 'quay.io/.*'], `quay.io/app@sha256:${'a'.repeat(64)}`, true],
  [[], 'nginx', false],
])('%j and %s: %s', (patterns, image, matches) => {
  expect(imagePatterns(patterns)(reference(image))).toBe(matches);
});
