import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type KuikKind, type KuikResource, resourceName } from '#api/kinds.ts';
import { missMessage, readyMessage } from '#core/ready-message.ts';
import { declaredSecrets } from '#core/routing/declared-secrets.ts';
import { ImageCounter } from '#core/routing/image-counts.ts';
import { knowsCredentials, missingCredentials } from '#core/routing/missing-credentials.ts';
import { compileTable } from '#core/routing/table.ts';
import { readStoredResource } from '#core/stored-resource.ts';
import { clusterSet } from '#test/support/routing/resources.ts';

const filters = {
  namespaceFilter: { include: ['shop'], exclude: ['x'] },
  podFilter: { labels: { include: ['a=b'] }, annotations: { exclude: ['c'] } },
};
const secret = { name: 'pull', namespace: 'shop' };
const entry = { registry: 'docker.io', path: '/library', priority: 1, credentialSecret: secret };
const set = {
  ...{ priority: -1, ...filters },
  upstreams: [
    { ...entry, imageFilter: { include: ['.+'], exclude: ['y'] }, discardAlternative: false },
    { registry: 'quay.io' },
  ],
};
const mirror = {
  ...{ priority: 1, filter: { include: [{ image: '.+' }, { label: 'a' }] } },
  cleanup: { enabled: true, retention: '168h' },
  mirrors: [{ ...entry, pullCredentialSecret: secret, cleanup: { retention: '1h' } }],
};
const whole: readonly (readonly [KuikKind, object])[] = [
  ['ReplicatedImageSet', set],
  ['ClusterReplicatedImageSet', set],
  ['ImageSetMirror', mirror],
  ['ClusterImageSetMirror', mirror],
  [
    'ClusterImageSetAvailability',
    { ...filters, imageFilter: { include: ['.+'] }, unusedImageExpiry: '1h' },
  ],
];

/** What may stand anywhere in an object that no schema has seen. */
const junk = fc.oneof(
  fc.constantFrom<unknown>(null, undefined, '', '5', 5, -1, 0.5, 2 ** 60, true, [], {}, [null]),
  fc.constantFrom<unknown>('a)|(b', '1h', '7d', 'a in (', 'x'.repeat(700), ['.+', '.+'], [[]]),
  fc.constantFrom<unknown>(
    Array.from({ length: 100 }, () => 'a'),
    Array.from({ length: 100 }, () => entry),
  ),
  fc.jsonValue({ maxDepth: 3 }),
);

/** Every place in a value: the keys and positions that lead there. */
function placesIn(value: unknown, at: readonly string[] = []): readonly (readonly string[])[] {
  if (typeof value !== 'object' || value === null) return [at];
  return [at, ...Object.entries(value).flatMap(([key, item]) => placesIn(item, [...at, key]))];
}

function replaced(value: unknown, [key, ...rest]: readonly string[], by: unknown): unknown {
  if (key === undefined) return by;
  const copy: Record<string, unknown> = Array.isArray(value)
    ? ([...value] as never)
    : { ...(value as object) };
  copy[key] = replaced(copy[key], rest, by);
  return copy;
}

const mutated = fc
  .constantFrom(...whole)
  .chain(([kind, spec]) =>
    fc
      .tuple(fc.constantFrom(...placesIn(spec)), junk)
      .map(([place, by]) => ({ kind, spec: replaced(spec, place, by) })),
  );

const pod = {
  ...{ namespace: 'shop', labels: { a: 'b' }, annotations: {}, phase: 'Running' },
  images: { app: 'nginx:1' },
};
const good = clusterSet('good', {
  upstreams: [{ registry: 'docker.io', imageFilter: { include: ['.+'] } }, { registry: 'quay.io' }],
});

/** All that reads a resource. */
function readAll(resource: KuikResource): void {
  declaredSecrets(resource);
  missingCredentials(resource, () => ({ kind: 'missing' }));
  knowsCredentials(resource, () => undefined);
  readyMessage(resource);
  missMessage(resource, { used: 0, unused: 0 });
}

test('whatever an old object holds, it is said what is wrong, and the others go on', () => {
  fc.assert(
    fc.property(mutated, ({ kind, spec }) => {
      const metadata = { name: 'old', uid: 'old', namespace: 'shop' };
      const old = readStoredResource(kind, { metadata, spec });
      const table = compileTable([old, good]);
      readAll(old);
      const policy = { skipLabels: [], skipAnnotations: [] };
      const counting = new ImageCounter().count({ table, pods: [pod], policy, listedOf: () => [] });
      let step = counting.next();
      while (step.done !== true) step = counting.next();
      expect(step.value.get(resourceName(good))).toEqual({ used: 1, unused: 0 });
      const isSaid = table.problems.some(({ reason }) => reason === 'InvalidSpec');
      if (old.faults !== undefined) expect(isSaid).toBe(true);
      if (!isSaid) expect(table.find(resourceName(old))).toBeDefined();
    }),
    { numRuns: 2_000 },
  );
});
