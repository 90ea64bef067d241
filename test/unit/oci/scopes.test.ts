import { describe, expect, test } from 'vitest';
import { usualScope, wantedScope } from '#oci/scopes.ts';

describe('the scope of a token', () => {
  test.each([
    [{ repository: 'a/b' }, 'repository:a/b:pull'],
    [{ repository: 'a/b', actions: 'delete' }, 'repository:a/b:delete'],
    [
      { repository: 'a/b', actions: 'pull,push', mountFrom: 'c' },
      'repository:a/b:pull,push repository:c:pull',
    ],
  ])('for %j is %s where nobody says', (request, scope) => {
    expect(usualScope(request)).toBe(scope);
    expect(wantedScope(request, undefined)).toBe(scope);
  });

  test('is what the challenge says for who only reads, as it stands', () => {
    expect(wantedScope({ repository: 'a' }, 'repository:project/a:*')).toBe(
      'repository:project/a:*',
    );
  });

  test.each([
    // A HEAD is challenged for less than the copy is about to need.
    ['repository:a:pull', 'repository:a:pull,push'],
    ['repository:a:pull,push,delete', 'repository:a:pull,push,delete'],
    ['repository:other/a:pull,push', 'repository:a:pull,push repository:other/a:pull,push'],
    ['registry:catalog:*', 'repository:a:pull,push registry:catalog:*'],
  ])('is at least what a copy needs beside %s', (said, scope) => {
    expect(wantedScope({ repository: 'a', actions: 'pull,push' }, said)).toBe(scope);
  });

  test('covers both repositories of a mount though the challenge names one', () => {
    const request = { repository: 'a', actions: 'pull,push', mountFrom: 'b' };
    expect(wantedScope(request, 'repository:a:pull,push')).toBe(
      'repository:a:pull,push repository:b:pull',
    );
  });
});
