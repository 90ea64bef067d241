import { describe, expect, test } from 'vitest';
import { type KuikKind, kinds } from '#api/kinds.ts';
import { compileTable } from '#core/routing/table.ts';
import { readStoredResource } from '#core/stored-resource.ts';

const upstream = { registry: 'docker.io', path: '/team', imageFilter: { include: ['.+'] } };
const upstreams = [upstream, { registry: 'quay.io' }];
const imageFilter = { include: ['.+'] };
const mirrors = [{ registry: 'm.example.com' }];
const good: Readonly<Record<KuikKind, object>> = {
  ReplicatedImageSet: { upstreams },
  ClusterReplicatedImageSet: { upstreams },
  ImageSetMirror: { imageFilter, mirrors },
  ClusterImageSetMirror: { imageFilter, mirrors },
  ClusterImageSetAvailability: { imageFilter },
};

function stored(kind: KuikKind, spec: unknown, more = {}) {
  const namespaced = !kind.startsWith('Cluster');
  const metadata = { name: 'old', uid: 'old', ...(namespaced && { namespace: 'shop' }) };
  return readStoredResource(kind, { metadata, spec, ...more });
}

const problemsOf = (kind: KuikKind, spec: unknown) => compileTable([stored(kind, spec)]).problems;

const everyKind = kinds.map(({ kind }) => kind);
const sets: readonly KuikKind[] = ['ReplicatedImageSet', 'ClusterReplicatedImageSet'];
const copiers: readonly KuikKind[] = ['ImageSetMirror', 'ClusterImageSetMirror'];
const cisa: readonly KuikKind[] = ['ClusterImageSetAvailability'];
const many = (count: number, item: unknown) => Array.from({ length: count }, () => item);

describe('what was stored before the schema refused it is InvalidSpec, with its field', () => {
  test.each<[string, readonly KuikKind[], object, string]>([
    ['a list where a mapping belongs', everyKind, { podFilter: [] }, 'spec.podFilter'],
    ['a text where a list belongs', everyKind, { filter: { include: 'a' } }, 'spec.filter.include'],
    [
      'numbers among selectors',
      everyKind,
      { podFilter: { labels: { include: [5] } } },
      'spec.podFilter.labels.include[0]',
    ],
    [
      'a list that is too long',
      everyKind,
      { podFilter: { labels: { include: many(17, 'a') } } },
      'spec.podFilter.labels.include',
    ],
    [
      'a selector that is too long',
      everyKind,
      { podFilter: { labels: { include: [`a,${'b'.repeat(600)}`] } } },
      'spec.podFilter.labels.include[0]',
    ],
    [
      'a pattern that is too long',
      [...copiers, ...cisa],
      { imageFilter: { include: ['a'.repeat(129)] } },
      'spec.imageFilter.include[0]',
    ],
    ['a number as a text', [...sets, ...copiers], { priority: '5' }, 'spec.priority'],
    ['a number with a fraction', [...sets, ...copiers], { priority: 0.5 }, 'spec.priority'],
    [
      'an upstream without a registry',
      sets,
      { upstreams: [{ path: '/a' }] },
      'spec.upstreams[0].registry',
    ],
    ['nothing in the place of an upstream', sets, { upstreams: [null] }, 'spec.upstreams[0]'],
    ['too many upstreams', sets, { upstreams: many(33, upstream) }, 'spec.upstreams'],
    [
      'a priority below 0',
      sets,
      { upstreams: [{ ...upstream, priority: -1 }] },
      'spec.upstreams[0].priority',
    ],
    ['too many mirrors', copiers, { mirrors: many(65, mirrors[0]) }, 'spec.mirrors'],
    [
      'a Secret without a name',
      copiers,
      { mirrors: [{ ...mirrors[0], credentialSecret: { namespace: 'a' } }] },
      'spec.mirrors[0].credentialSecret.name',
    ],
    [
      'a retention that is none',
      copiers,
      { cleanup: { retention: '7d' } },
      'spec.cleanup.retention',
    ],
    [
      'a retention beyond Go',
      copiers,
      { cleanup: { retention: '9999999h' } },
      'spec.cleanup.retention',
    ],
    ['a retention below 0', copiers, { cleanup: { retention: '-1h' } }, 'spec.cleanup.retention'],
    [
      'a retention that is a number',
      copiers,
      { cleanup: { retention: 5 } },
      'spec.cleanup.retention',
    ],
    [
      "a mirror's retention that is none",
      copiers,
      { mirrors: [{ ...mirrors[0], cleanup: { retention: 'soon' } }] },
      'spec.mirrors[0].cleanup.retention',
    ],
    ['an expiry that is none', cisa, { unusedImageExpiry: '1 week' }, 'spec.unusedImageExpiry'],
  ])('%s', (_, where, bad, field) => {
    for (const kind of where) {
      const problems = problemsOf(kind, { ...good[kind], ...bad });
      expect(problems, kind).toMatchObject([{ reason: 'InvalidSpec', field }]);
      expect(problems[0]?.message).toMatch(/^expected /);
    }
  });

  test('in the filter of one upstream it leaves out that one alone', () => {
    const bad = { registry: 'ghcr.io', imageFilter: { include: [5] } };
    const set = stored('ReplicatedImageSet', { upstreams: [bad, ...upstreams] });
    const table = compileTable([set]);
    const field = 'spec.upstreams[0].imageFilter.include[0]';
    expect(table.problems).toMatchObject([{ reason: 'InvalidSpec', field }]);
    const compiled = table.find('ReplicatedImageSet/shop/old');
    const left = compiled?.type === 'set' ? compiled.upstreams : [];
    expect(left.map(({ declaration }) => declaration)).toEqual([1, 2]);
  });
});

describe('what the schema lets in', () => {
  test('is read as it stands: items that repeat, nulls for what is left out, 128 letters of any kind', () => {
    const spec = {
      imageFilter: { include: ['.+', '.+', '𝒜'.repeat(128)], exclude: null },
      namespaceFilter: null,
      podFilter: { labels: null, annotations: { include: ['a', 'a'] } },
      unusedImageExpiry: '1h30m',
    };
    expect(problemsOf('ClusterImageSetAvailability', spec)).toEqual([]);
  });

  test('has no faults and nothing taken away', () => {
    for (const kind of everyKind) {
      expect(stored(kind, good[kind])).not.toHaveProperty('faults');
      expect(stored(kind, good[kind]).spec).toEqual(good[kind]);
      expect(problemsOf(kind, null).map(({ reason }) => reason)).toEqual(['MatchesNothing']);
    }
  });
});

test('of a status that somebody else wrote only what can be read is there', () => {
  const status = {
    conditions: [null, { type: 'Ready' }],
    imageCount: '5',
    images: [{ image: 'docker.io/library/nginx:1', status: 'Available', lastMonitor: 5 }, {}, 'x'],
  };
  expect(stored('ClusterImageSetAvailability', {}, { status }).status).toEqual({
    conditions: [],
    images: [{ image: 'docker.io/library/nginx:1', status: 'Available' }],
  });
});
