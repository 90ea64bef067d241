import { describe, expect, test } from 'vitest';
import { formatReference, parseReference, relocateReference } from '#core/image/reference.ts';
import { reference } from '#test/support/routing/resources.ts';

describe('image references', () => {
  test('a text of 10,000 characters is refused at once, with a short message', () => {
    const parsed = parseReference(`quay.io/${'a'.repeat(10_000)}`);
    expect(parsed.ok).toBe(false);
    expect(!parsed.ok && parsed.error.message.length).toBeLessThan(200);
  });

  test('a text made to make the grammar go back and forth is answered within milliseconds', () => {
    const started = performance.now();
    for (const text of ['a-'.repeat(2000), 'a.'.repeat(2000), 'a'.repeat(4000)]) {
      parseReference(`${text}!/${text}!`);
      parseReference(`quay.io/${text}!:${text}`);
    }
    expect(performance.now() - started).toBeLessThan(100);
  });

  test('the message says what was expected and what came', () => {
    expect(parseReference('quay.io/App')).toEqual({
      ok: false,
      error: {
        message:
          'expected a lower-case repository path of at most 255 characters, got "quay.io/App"',
      },
    });
  });

  test('a bare sha256 digest is no image, a tag of hex digits on a path is one', () => {
    expect(parseReference(`sha256:${'0'.repeat(64)}`).ok).toBe(false);
    expect(parseReference(`docker.io/library/sha256:${'0'.repeat(64)}`).ok).toBe(true);
  });

  test('moved to another registry it keeps tag and digest, and is normalised', () => {
    const digest = `sha256:${'a'.repeat(64)}`;
    const moved = relocateReference(
      reference(`quay.io/x/etcd:3@${digest}`),
      'index.docker.io',
      'etcd',
    );
    expect(moved && formatReference(moved)).toBe(`docker.io/library/etcd:3@${digest}`);
  });

  test('moved to where no path is left, or one too long or in capitals, it is no image', () => {
    const image = reference('quay.io/x/etcd:3');
    expect(relocateReference(image, 'ghcr.io', '')).toBeUndefined();
    expect(relocateReference(image, 'ghcr.io', 'Etcd')).toBeUndefined();
    expect(relocateReference(image, 'ghcr.io', 'a'.repeat(256))).toBeUndefined();
  });
});
