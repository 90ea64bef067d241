import { describe, expect, test } from 'vitest';
import type { KuikResource } from '#api/kinds.ts';
import { candidates, candidatesInSteps, type RoutingSubject } from '#core/routing/candidates.ts';
import { leftOutInSteps } from '#core/routing/left-out-copies.ts';
import { compileTable, type RoutingTable, takeStatus } from '#core/routing/table.ts';
import { drain } from '#core/steps.ts';
import { defaultRoutingPolicy } from '#test/support/routing/default-policy.ts';
import { made, type RecordedCopy, recording } from '#test/support/routing/recorded-copies.ts';
import {
  clusterMirror,
  clusterSet,
  namespacedMirror,
  subject,
} from '#test/support/routing/resources.ts';

const app = 'docker.io/library/app:1';
const other = 'quay.io/library/app:1';
const copy = 'harbor.example.com/m/library/app:1';

const everything = { include: ['.*'] };
const mirrors = [{ registry: 'harbor.example.com', path: '/m' }];
const spec = { imageFilter: everything, mirrors };
const mirror = clusterMirror('m', spec);
const teamMirror = namespacedMirror('team/m', { ...spec, priority: 1 });
const equal = clusterSet('equal', {
  upstreams: [{ registry: 'docker.io', imageFilter: everything }, { registry: 'quay.io' }],
});
const expired = { ...made, state: 'Expired' } as const;
const collision = { state: 'Collision', lastError: 'the place is taken' } as const;
const scheduled = { state: 'Scheduled' } as const;

const ask = (table: RoutingTable, given: Partial<RoutingSubject> = {}) =>
  drain(candidatesInSteps(table, subject(app, given), defaultRoutingPolicy));

/** Whether the copy is offered to a Pod of `default` that wants `docker.io/library/app:1`. */
const offers = (
  resources: readonly KuikResource[],
  given: Partial<RoutingSubject> = {},
  nodes: readonly string[] = ['amd64'],
) => {
  const table = { ...compileTable(resources), architectures: new Set(nodes) };
  return ask(table, given).candidates.some(({ image }) => image === copy);
};

describe('a copy is offered', () => {
  test.each<[string, readonly KuikResource[]]>([
    ['of which nothing is recorded', [mirror]],
    ['that was made from the image', [recording(mirror, [app, copy, made])]],
    ['that no Pod uses any more', [recording(mirror, [app, copy, { ...made, state: 'Unused' }])]],
    ['that kuik v2 recorded', [recording(mirror, [app, copy, { mirroredAt: made.mirroredAt }])]],
    ['that may be there before its status says so', [recording(mirror, [app, copy, scheduled])]],
    [
      'where another image was only refused its place',
      [recording(mirror, [other, copy, collision], [app, copy, made])],
    ],
    [
      'that was made from an image that a set declares the same',
      [equal, recording(mirror, [other, copy, made])],
    ],
    [
      'that another resource deletes, where its own keeps it',
      [
        recording(mirror, [app, copy, made]),
        recording(clusterMirror('old', { mirrors }), [app, copy, expired]),
      ],
    ],
    [
      'that another namespace merely found there, of another image',
      [mirror, recording(teamMirror, [other, copy, { ...made, adopted: true }])],
    ],
    [
      'whose deletion another namespace only means to try',
      [mirror, recording(teamMirror, [app, copy, { ...expired, adopted: true }])],
    ],
  ])('%s', (_, resources) => {
    expect(offers(resources)).toBe(true);
  });
});

describe('a copy is not offered', () => {
  test.each<[string, readonly KuikResource[]]>([
    ['that is about to be deleted', [recording(mirror, [app, copy, expired])]],
    ['that is the place of another image', [recording(mirror, [app, copy, collision])]],
    ['that was made from another image', [recording(mirror, [other, copy, made])]],
    ['that is to be made from another image', [recording(mirror, [other, copy, scheduled])]],
    [
      'that another resource made from another image',
      [mirror, recording(clusterMirror('o', { mirrors }), [other, copy, made])],
    ],
    [
      'that another resource made from another image, while its own is not there',
      [
        recording(mirror, [app, copy, scheduled]),
        recording(clusterMirror('o', { mirrors }), [other, copy, made]),
      ],
    ],
    [
      'that another namespace wrote there from another image',
      [mirror, recording(teamMirror, [other, copy, made])],
    ],
    [
      'that another resource is about to delete',
      [mirror, recording(clusterMirror('o', { mirrors }), [app, copy, expired])],
    ],
  ])('%s', (_, resources) => {
    expect(offers(resources)).toBe(false);
  });

  const hex = 'a'.repeat(64);
  test.each([
    ['docker.io/library/app', ':latest', ''],
    ['docker.io/library/app', '', ':latest'],
    [`docker.io/library/app@sha256:${hex}`, '', ''],
  ])('whatever its image is called: %s%s, where %s%s is asked for', (name, recorded, asked) => {
    const [path, digest = ''] = name.split(/(?=@)/);
    const tags = digest === '' ? [recorded, asked] : [':1', ':2'];
    const [made1, wanted] = tags.map((tag) => `${path}${tag}${digest}`);
    const at = `harbor.example.com/m/library/app${tags[0]}${digest}`;
    const isOffered = (record: RecordedCopy) => {
      const table = compileTable([recording(mirror, [made1 ?? '', at, record])]);
      const read = drain(
        candidatesInSteps(
          { ...table, architectures: new Set(['amd64']) },
          subject(wanted ?? ''),
          defaultRoutingPolicy,
        ),
      );
      return read.candidates.some(({ image }) => image.startsWith('harbor.example.com/'));
    };
    expect(isOffered(expired)).toBe(false);
    expect(isOffered(made)).toBe(true);
  });

  test.each<[string, object, boolean]>([
    ['with its copies', { cleanup: { enabled: true } }, false],
    ['without its copies', {}, true],
    [
      'with those of this mirror',
      { mirrors: [{ ...mirrors[0], cleanup: { enabled: true } }] },
      false,
    ],
    [
      'with those of other mirrors',
      { cleanup: { enabled: true }, mirrors: [{ ...mirrors[0], cleanup: {} }] },
      true,
    ],
    [
      'with those of mirrors that it does not name any more',
      { cleanup: { enabled: true }, mirrors: [] },
      false,
    ],
  ])('where the resource that made it is being deleted %s', (_, given, isOffered) => {
    const going = recording(clusterMirror('going', { ...spec, ...given }), [app, copy, made]);
    const metadata = { ...going.metadata, deletionTimestamp: '2026-01-01T00:00:00Z' };
    expect(offers([mirror, { ...going, metadata } as KuikResource])).toBe(isOffered);
  });
});

describe('a cut copy', () => {
  const cut: RecordedCopy = { ...made, platforms: ['linux/amd64', 'linux/arm/v7'] };
  const resources = [recording(mirror, [app, copy, cut])];
  const nodeSelector = (arch: string) => ({
    spec: { nodeSelector: { 'kubernetes.io/arch': arch } },
  });

  test.each<[string, Partial<RoutingSubject>, readonly string[], boolean]>([
    ['whose nodes it all covers', {}, ['amd64'], true],
    ['whose nodes it all covers, by variants', {}, ['amd64', 'arm'], true],
    ['some of whose nodes it does not cover', {}, ['amd64', 'arm64'], false],
    ['that asks for what it holds', nodeSelector('amd64'), ['amd64', 'arm64'], true],
    ['that asks for what it does not hold', nodeSelector('arm64'), ['amd64'], false],
    ['in a cluster without nodes', {}, [], true],
  ])('and a Pod %s: %j, %j', (_, given, nodes, isOffered) => {
    expect(offers(resources, given, nodes)).toBe(isOffered);
  });

  test('is offered to nobody who does not say where to run, while the nodes are not known', () => {
    const table = compileTable(resources);
    expect(ask(table).candidates).toHaveLength(1);
    expect(ask(table, nodeSelector('amd64')).candidates).toHaveLength(2);
  });

  test('of an equivalent covers what that holds', () => {
    const equals = [equal, recording(mirror, [other, copy, cut])];
    expect(offers(equals, {}, ['amd64'])).toBe(true);
    expect(offers(equals, {}, ['arm64'])).toBe(false);
  });
});

describe('whoever asks is told which copies were left out, and why', () => {
  test.each<[string, RecordedCopy, string]>([
    ['it goes', expired, 'it may be deleted at any time (Expired)'],
    ['it is taken', collision, `it is no copy of ${app}, the place is taken (Collision)`],
    [
      'it was cut',
      { ...made, platforms: ['linux/s390x'] },
      'it holds linux/s390x alone, and the Pod may run on no architecture that is known',
    ],
  ])('where %s', (_, recorded, message) => {
    const table = compileTable([recording(mirror, [app, copy, recorded])]);
    expect(drain(leftOutInSteps(table, app, subject(app)))).toEqual([
      {
        by: 'ClusterImageSetMirror/m',
        field: 'status.matchingImages',
        message: `${copy} is not offered: ${message}`,
      },
    ]);
  });

  test('with the image whose place it is', () => {
    const taken = recording(mirror, [other, copy, made], [app, copy, collision]);
    const [told] = drain(leftOutInSteps(compileTable([taken]), app, subject(app)));
    expect(told?.message).toContain(`it is the place of ${other}`);
  });
});

describe('a status that changes', () => {
  const stored = (generation: number, recorded: RecordedCopy): KuikResource => {
    const written = recording(mirror, [app, copy, recorded]);
    return { ...written, metadata: { ...written.metadata, generation } } as KuikResource;
  };

  test('is known to the table, which stays as it was compiled', () => {
    const table = compileTable([stored(1, made)]);
    expect(ask(table).candidates).toHaveLength(2);
    expect(takeStatus(table, stored(1, expired))).toBe(true);
    expect(ask(table).candidates).toHaveLength(1);
    expect(takeStatus(table, stored(1, made))).toBe(true);
    expect(ask(table).candidates).toHaveLength(2);
  });

  test('costs what its own copies do, however many there are of others', () => {
    const many = Array.from({ length: 100 }, (_, index) => {
      const rows = Array.from(
        { length: 1_000 },
        (_, number) => [`${app}-${number}`, `${copy}-${index}-${number}`, made] as const,
      );
      return recording(clusterMirror(`other-${index}`, { mirrors }), ...rows);
    });
    const table = compileTable([stored(1, made), ...many]);
    const startedMs = performance.now();
    for (let round = 0; round < 1_000; round += 1) takeStatus(table, stored(1, expired));
    expect(performance.now() - startedMs).toBeLessThan(500);
  });

  test('is no reason to compile, and a spec that changed is', () => {
    const table = compileTable([stored(1, made)]);
    const changed = { ...stored(2, made), spec: { ...spec, priority: 1 } } as KuikResource;
    expect(takeStatus(table, changed)).toBe(false);
    expect(takeStatus(table, clusterMirror('new', spec))).toBe(false);
    const going = { ...stored(1, made), metadata: { ...mirror.metadata, generation: 1 } };
    const metadata = { ...going.metadata, deletionTimestamp: '2026-01-01T00:00:00Z' };
    expect(takeStatus(table, { ...going, metadata } as KuikResource)).toBe(false);
    expect(takeStatus(compileTable([]), { ...going, metadata } as KuikResource)).toBe(true);
  });

  test('goes with its resource', () => {
    const table = compileTable([recording(teamMirror, [other, copy, made]), mirror]);
    expect(candidates(table, subject(app), defaultRoutingPolicy)).toHaveLength(1);
    const without = compileTable([mirror], table);
    expect(without.copies.isEmpty).toBe(true);
    expect(candidates(without, subject(app), defaultRoutingPolicy)).toHaveLength(2);
  });
});
