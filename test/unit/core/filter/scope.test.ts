import { describe, expect, test } from 'vitest';
import type { ScopeKind, WrittenFilters } from '#core/filter/filter-items.ts';
import { compileScope, type PodSubject, scopeMatchesImage } from '#core/filter/scope.ts';
import { rememberByNamespace } from '#core/routing/compiled.ts';
import { reference } from '#test/support/routing/resources.ts';

const mirror: ScopeKind = { ownNamespace: undefined, choosesImages: true };
const namespaced: ScopeKind = { ownNamespace: 'team-a', choosesImages: true };
const set: ScopeKind = { ownNamespace: undefined, choosesImages: false };

function scopeOf(filters: WrittenFilters, kind = mirror) {
  const scope = compileScope(filters, kind);
  if (!scope.ok) throw new Error(scope.error.message);
  return scope.value;
}

function problemOf(filters: WrittenFilters, kind = mirror) {
  const scope = compileScope(filters, kind);
  return scope.ok ? undefined : scope.error;
}

function pod(given: Partial<PodSubject>): PodSubject {
  return { namespace: 'default', labels: {}, annotations: {}, ...given };
}

describe('scopes', () => {
  test('the separate and the unified spelling compile to the same form', () => {
    const separate = scopeOf({
      imageFilter: { include: ['quay\\.io/.+'], exclude: ['.+:latest'] },
      namespaceFilter: { exclude: ['kube-.*'] },
      podFilter: { labels: { include: ['app'] }, annotations: { exclude: ['skip=true'] } },
    });
    const unified = scopeOf({
      filter: {
        include: [{ image: 'quay\\.io/.+' }, { label: 'app' }],
        exclude: [{ image: '.+:latest' }, { namespace: 'kube-.*' }, { annotation: 'skip=true' }],
      },
    });
    expect(JSON.stringify(unified)).toBe(JSON.stringify(separate));
  });

  test('a mirror that chooses no image matches none, whatever its other filters say', () => {
    const chosen = [
      scopeOf({}),
      scopeOf({ imageFilter: {} }),
      scopeOf({ imageFilter: { include: [], exclude: [] } }),
      scopeOf({ filter: { include: [], exclude: [] } }),
      scopeOf({ podFilter: { labels: { include: ['app'] } } }),
    ];
    for (const { images } of chosen) {
      expect(scopeMatchesImage(images, reference('quay.io/a/b:1'))).toBe(false);
    }
  });

  test('a unified filter of labels alone takes every image of those Pods', () => {
    const scope = scopeOf({ filter: { include: [{ label: 'app=web' }] } });
    expect(scopeMatchesImage(scope.images, reference('quay.io/a/b:1'))).toBe(true);
    expect(rememberByNamespace(scope)(pod({ labels: { app: 'web' } }))).toBe(true);
    expect(rememberByNamespace(scope)(pod({ labels: { app: 'db' } }))).toBe(false);
  });

  test('a namespaced kind sees its own namespace alone', () => {
    const scope = scopeOf({ imageFilter: { include: ['.*'] } }, namespaced);
    expect(rememberByNamespace(scope)(pod({ namespace: 'team-a' }))).toBe(true);
    expect(rememberByNamespace(scope)(pod({ namespace: 'team-b' }))).toBe(false);
  });

  test('a label called like a member of every object is looked for among the labels', () => {
    const scope = scopeOf({ filter: { include: [{ label: 'constructor' }] } });
    expect(rememberByNamespace(scope)(pod({}))).toBe(false);
    expect(rememberByNamespace(scope)(pod({ labels: { constructor: 'x' } as never }))).toBe(true);
  });

  test.each<[string, WrittenFilters, ScopeKind, string]>([
    [
      'both spellings at once',
      { filter: { include: [{ label: 'app' }] }, imageFilter: { include: ['.*'] } },
      mirror,
      'spec.filter',
    ],
    [
      'an item that says two things',
      { filter: { include: [{ image: 'a', label: 'b' }] } },
      mirror,
      'spec.filter.include[0]',
    ],
    ['an item that says nothing', { filter: { exclude: [{}] } }, mirror, 'spec.filter.exclude[0]'],
    [
      'an image item on a set',
      { filter: { include: [{ image: 'a' }] } },
      set,
      'spec.filter.include[0]',
    ],
    [
      'a namespace item on a namespaced kind',
      { filter: { include: [{ namespace: 'a' }] } },
      namespaced,
      'spec.filter.include[0]',
    ],
    [
      'namespaceFilter on a namespaced kind',
      { namespaceFilter: { include: ['a'] } },
      namespaced,
      'spec.namespaceFilter',
    ],
    [
      'a bad pattern',
      { imageFilter: { include: ['.*', '('] } },
      mirror,
      'spec.imageFilter.include',
    ],
    [
      'a bad selector',
      { podFilter: { labels: { exclude: ['a=b=c'] } } },
      mirror,
      'spec.podFilter.labels.exclude',
    ],
    [
      'seventeen items',
      { imageFilter: { include: Array(17).fill('a') } },
      mirror,
      'spec.imageFilter.include',
    ],
  ])('%s is a problem of its field', (_, filters, kind, field) => {
    expect(problemOf(filters, kind)?.field).toBe(field);
    expect(problemOf(filters, kind)?.message).toMatch(/^expected /);
  });

  test('both spellings, one of them empty, are no problem', () => {
    expect(problemOf({ filter: {}, imageFilter: { include: ['.*'] } })).toBeUndefined();
    expect(
      problemOf({
        filter: { include: [{ label: 'a' }] },
        imageFilter: {},
        podFilter: { labels: {} },
      }),
    ).toBeUndefined();
  });
});
