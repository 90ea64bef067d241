import { describe, expect, test } from 'vitest';
import type { KuikResource } from '#api/kinds.ts';
import { candidates, type RoutingSubject } from '#core/routing/candidates.ts';
import { compileTable } from '#core/routing/table.ts';
import { defaultRoutingPolicy } from '#test/support/routing/default-policy.ts';
import {
  clusterMirror,
  clusterSet,
  namespacedMirror,
  namespacedSet,
  subject,
} from '#test/support/routing/resources.ts';

const everything = { include: ['.*'] };
const digest = `sha256:${'0'.repeat(64)}`;
const honoured = { ...defaultRoutingPolicy, honorPrioritiesOnAlwaysImagePullPolicy: true };

function find(
  resources: readonly KuikResource[],
  image: string,
  given: Partial<RoutingSubject> = {},
  policy = defaultRoutingPolicy,
) {
  return candidates(compileTable(resources), subject(image, given), policy);
}

const imagesOf = (...asked: Parameters<typeof find>) => find(...asked).map(({ image }) => image);

/** quay.io, ghcr.io and docker.io hold the same; each upstream with what else is given. */
function equals(...given: readonly object[]): KuikResource {
  const upstreams = ['quay.io', 'ghcr.io', 'docker.io'].map((registry, index) => ({
    registry,
    path: '/team',
    imageFilter: everything,
    ...given[index],
  }));
  return clusterSet('equal', { upstreams });
}
const mirror = clusterMirror('m', {
  imageFilter: everything,
  mirrors: [{ registry: 'harbor.example.com', path: '/m' }],
});

describe('every candidate', () => {
  test.each<[string, string]>([
    ['a tag', ':1.27'],
    ['a digest', `@${digest}`],
    ['a tag and a digest', `:1.27@${digest}`],
    ['nothing', ''],
  ])('keeps %s as it was written, through sets and mirrors', (_, written) => {
    expect(imagesOf([equals(), mirror], `quay.io/team/app${written}`)).toEqual([
      `quay.io/team/app${written}`,
      `harbor.example.com/m/team/app${written}`,
      `ghcr.io/team/app${written}`,
      `docker.io/team/app${written}`,
    ]);
  });

  test('of a digest is reached by a pattern for the whole reference only', () => {
    const tagged = clusterMirror('m', {
      imageFilter: { include: ['.*/app:[0-9]+'] },
      mirrors: [{ registry: 'harbor.example.com' }],
    });
    expect(imagesOf([tagged], 'quay.io/team/app:1')).toHaveLength(2);
    expect(imagesOf([tagged], `quay.io/team/app@${digest}`)).toHaveLength(1);
  });

  test('of an untagged image is reached by a pattern with latest, and by one without a tag', () => {
    for (const pattern of ['quay.io/team/app:latest', 'quay.io/team/app']) {
      const named = clusterMirror('m', {
        imageFilter: { include: [pattern] },
        mirrors: [{ registry: 'harbor.example.com' }],
      });
      expect(imagesOf([named], 'quay.io/team/app')).toContain('harbor.example.com/team/app');
      expect(imagesOf([named], 'quay.io/team/app:2')).toHaveLength(1);
    }
  });

  test('says who proposes it and by which pattern', () => {
    const set = namespacedSet('default/s', {
      upstreams: [
        { registry: 'quay.io', imageFilter: { include: ['/other/.*', '/team/.*'] } },
        { registry: 'ghcr.io' },
      ],
    });
    expect(find([set], 'quay.io/team/app:1')).toMatchObject([
      { by: 'original', original: true },
      { by: 'ReplicatedImageSet/default/s', original: false, filter: '/team/.*' },
    ]);
  });
});

describe('a discarded upstream', () => {
  test('still matches and is never proposed, not even as the original', () => {
    const set = equals({ discardAlternative: true });
    expect(imagesOf([set], 'quay.io/team/app:1')).toEqual([
      'ghcr.io/team/app:1',
      'docker.io/team/app:1',
    ]);
    expect(imagesOf([set], 'ghcr.io/team/app:1')).toEqual([
      'ghcr.io/team/app:1',
      'docker.io/team/app:1',
    ]);
  });

  test.each([defaultRoutingPolicy, honoured])(
    'takes the original away under Always, too',
    (policy) => {
      const set = equals({ discardAlternative: true });
      const given = { imagePullPolicy: 'Always' } as const;
      expect(imagesOf([set], 'quay.io/team/app:1', given, policy)).not.toContain(
        'quay.io/team/app:1',
      );
    },
  );

  test('takes the original away although another set proposes it', () => {
    const other = clusterSet('other', {
      priority: -1,
      upstreams: [
        { registry: 'quay.io', path: '/team', imageFilter: everything },
        { registry: 'ghcr.io', path: '/team' },
      ],
    });
    expect(imagesOf([equals({ discardAlternative: true }), other], 'quay.io/team/app:1')).toEqual([
      'ghcr.io/team/app:1',
      'docker.io/team/app:1',
    ]);
  });

  test('is a base for mirrors when it is the original, and none when it is not', () => {
    const discards = [{ discardAlternative: true }, { discardAlternative: true }];
    expect(imagesOf([equals(...discards), mirror], 'quay.io/team/app:1')).toEqual([
      'harbor.example.com/m/team/app:1',
      'docker.io/team/app:1',
    ]);
    const onlyGhcr = clusterMirror('m', {
      imageFilter: { include: ['ghcr.io/.*'] },
      mirrors: [{ registry: 'harbor.example.com', path: '/m' }],
    });
    expect(imagesOf([equals(...discards), onlyGhcr], 'quay.io/team/app:1')).toEqual([
      'docker.io/team/app:1',
    ]);
  });

  test('may leave nothing at all', () => {
    const alone = clusterSet('alone', {
      upstreams: [{ registry: 'quay.io', imageFilter: everything, discardAlternative: true }],
    });
    expect(imagesOf([alone], 'quay.io/team/app:1')).toEqual([]);
  });
});

describe('the pull policy Always', () => {
  const preferred = clusterMirror('m', {
    priority: -10,
    imageFilter: everything,
    mirrors: [{ registry: 'harbor.example.com', path: '/m' }],
  });
  const image = 'quay.io/team/app:1';
  const copy = 'harbor.example.com/m/team/app:1';

  test('puts the original first whatever the priorities', () => {
    expect(imagesOf([preferred], image)).toEqual([copy, image]);
    expect(imagesOf([preferred], image, { imagePullPolicy: 'Always' })).toEqual([image, copy]);
  });

  test('leaves it where the priorities put it when the configuration honours those', () => {
    const given = { imagePullPolicy: 'Always' } as const;
    expect(imagesOf([preferred], image, given, honoured)).toEqual([copy, image]);
  });

  test('says nothing about the order of the others', () => {
    const given = { imagePullPolicy: 'Always' } as const;
    const set = equals({ priority: 1 }, { priority: 3 }, { priority: 2 });
    expect(imagesOf([set], image, given)).toEqual([
      image,
      'docker.io/team/app:1',
      'ghcr.io/team/app:1',
    ]);
  });
});

describe('the Secrets of a candidate', () => {
  const secret = (name: string) => ({ credentialSecret: { name, namespace: 'vault' } });

  test('are its entry’s, and for a mirror those to pull with where they are named apart', () => {
    const copies = clusterMirror('m', {
      imageFilter: everything,
      mirrors: [
        { registry: 'a.example.com', ...secret('push') },
        {
          registry: 'b.example.com',
          ...secret('push'),
          pullCredentialSecret: { name: 'pull', namespace: 'vault' },
        },
      ],
    });
    expect(find([copies], 'quay.io/team/app:1').slice(1)).toMatchObject([
      { lent: [{ name: 'push', namespace: 'vault' }] },
      { lent: [{ name: 'pull', namespace: 'vault', owner: { name: 'm' } }] },
    ]);
  });

  test('of a namespaced kind are those of its own namespace, whatever is written', () => {
    const set = namespacedSet('default/s', {
      upstreams: [
        { registry: 'quay.io', imageFilter: everything },
        { registry: 'ghcr.io', credentialSecret: { name: 'pull', namespace: 'kube-system' } },
      ],
    });
    expect(find([set], 'quay.io/team/app:1')[1]?.lent).toMatchObject([
      { name: 'pull', namespace: 'default' },
    ]);
  });

  test('of the original are those of the upstreams that it matches, in the sets’ order', () => {
    const late = clusterSet('late', {
      priority: 5,
      upstreams: [{ registry: 'quay.io', imageFilter: everything, ...secret('late') }],
    });
    const early = clusterSet('early', {
      upstreams: [{ registry: 'quay.io', imageFilter: everything, ...secret('early') }],
    });
    const original = find([late, early], 'quay.io/team/app:1')[0];
    expect(original?.lent.map(({ name }) => name)).toEqual(['early', 'late']);
  });
});

describe('what is declared for others', () => {
  test('proposes nothing: namespaces, labels and annotations are looked at', () => {
    const image = 'quay.io/team/app:1';
    const mirrors = [{ registry: 'harbor.example.com' }];
    const only = (spec: object) =>
      clusterMirror('m', { imageFilter: everything, mirrors, ...spec });
    const labels = only({ podFilter: { labels: { include: ['team=a'] } } });
    const annotations = only({ podFilter: { annotations: { exclude: ['off'] } } });
    const namespaces = only({ namespaceFilter: { include: ['prod-.*'] } });
    const foreign = namespacedMirror('other/m', { imageFilter: everything, mirrors });
    expect(imagesOf([labels], image)).toHaveLength(1);
    expect(imagesOf([labels], image, { labels: { team: 'a' } })).toHaveLength(2);
    expect(imagesOf([annotations], image)).toHaveLength(2);
    expect(imagesOf([annotations], image, { annotations: { off: '' } })).toHaveLength(1);
    expect(imagesOf([namespaces], image)).toHaveLength(1);
    expect(imagesOf([namespaces], image, { namespace: 'prod-eu' })).toHaveLength(2);
    expect(imagesOf([foreign], image)).toHaveLength(1);
    expect(imagesOf([foreign], image, { namespace: 'other' })).toHaveLength(2);
  });
});
