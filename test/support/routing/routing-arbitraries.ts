import fc from 'fast-check';
import type { KuikResource } from '#api/kinds.ts';
import type { ImagePlan } from './router-stage.ts';
import type { ModelEntry, ModelResource } from './routing-model.ts';

/**
 * A small world in which much collides: few registries, paths that are prefixes of each other, names
 * that repeat, priorities that tie.
 */
const digest = `@sha256:${'1a'.repeat(32)}`;
const hosts = ['docker.io', 'quay.io', 'ghcr.io:5000', 'm.example.com'];
const namespaces = ['default', 'default', 'other'];
const patterns = [
  ...['.*', '/team/.*', '/team/app.*', '.*/app', '.*:latest', '.*:1'],
  ...['quay\\.io/.+', 'docker\\.io/library/.+', '.*@sha256:.*', '[^:@]+'],
];

/** Mostly where images are, so that much matches. */
const hostArbitrary = fc.constantFrom('docker.io', 'quay.io', 'quay.io', ...hosts);
const pathArbitrary = fc.constantFrom(
  ...['', '', '', '/', '/team', '/team', 'team/', '/team/sub', '/tea', '/mirror', 'a'],
);
/** Zero as often as not: ties are what the order is about. */
const priorityArbitrary = fc.oneof(fc.constant(0), fc.integer({ min: -2, max: 2 }));

/** An image as a user may write it. */
export const imageArbitrary = fc
  .tuple(
    fc.constantFrom(
      '',
      'docker.io/',
      'index.docker.io/',
      'quay.io/',
      'ghcr.io:5000/',
      'm.example.com/',
    ),
    fc.constantFrom(
      'team/app',
      'team/sub/app',
      'app',
      'team',
      'teams/app',
      'mirror/team/app',
      'a/app',
    ),
    fc.constantFrom('', ':1', ':latest', digest, `:1${digest}`),
  )
  .map((parts) => parts.join(''));

const filterArbitrary = fc.record(
  {
    include: fc.array(fc.constantFrom(...patterns), { maxLength: 2 }),
    exclude: fc.array(fc.constantFrom('.*/sub/.*', 'quay\\.io/.*', '.*:1'), { maxLength: 1 }),
  },
  { requiredKeys: [] },
);
/** What matches, mostly. */
const imageFilterArbitrary = fc.oneof(
  { weight: 3, arbitrary: fc.constant({ include: ['.*'] }) },
  { weight: 1, arbitrary: filterArbitrary },
);

const locationOf = (extra: Partial<Record<keyof ModelEntry, fc.Arbitrary<unknown>>>) =>
  fc.record(
    {
      registry: fc.oneof(hostArbitrary, fc.constant('index.docker.io')),
      path: pathArbitrary,
      priority: priorityArbitrary,
      ...extra,
    },
    { requiredKeys: ['registry'] },
  ) as fc.Arbitrary<ModelEntry>;

const upstreamArbitrary = locationOf({
  imageFilter: imageFilterArbitrary,
  discardAlternative: fc.integer({ min: 0, max: 7 }).map((one) => one === 0),
});

const selectorsArbitrary = fc.record(
  {
    include: fc.array(fc.constantFrom('team=a', 'team', '!team'), { maxLength: 1 }),
    exclude: fc.array(fc.constantFrom('off', 'team=b'), { maxLength: 1 }),
  },
  { requiredKeys: [] },
);

const scope = {
  priority: priorityArbitrary,
  podFilter: fc.oneof(
    { weight: 3, arbitrary: fc.constant({}) },
    { weight: 1, arbitrary: fc.record({ labels: selectorsArbitrary }) },
  ),
};
const clusterScope = {
  ...scope,
  namespaceFilter: fc.constantFrom(...[{}, {}, { include: ['def.*'] }, { exclude: ['default'] }]),
};

/** Fields may be left out, save those without which there is nothing to speak of. */
function specArbitrary(
  fields: Readonly<Record<string, fc.Arbitrary<unknown>>>,
  required: object,
): fc.Arbitrary<unknown> {
  return fc.record(fields, { requiredKeys: Object.keys(required) });
}

function resourceArbitrary(kind: ModelResource['kind']): fc.Arbitrary<ModelResource> {
  const isCluster = kind.startsWith('Cluster');
  const entries = kind.includes('Mirror')
    ? {
        imageFilter: imageFilterArbitrary,
        mirrors: fc.array(locationOf({}), { minLength: 1, maxLength: 2 }),
      }
    : { upstreams: fc.array(upstreamArbitrary, { minLength: 2, maxLength: 4 }) };
  return fc.record({
    kind: fc.constant(kind),
    metadata: fc.record({
      name: fc.constantFrom('a', 'b'),
      ...(!isCluster && { namespace: fc.constantFrom(...namespaces) }),
    }),
    spec: specArbitrary({ ...(isCluster ? clusterScope : scope), ...entries }, entries),
  }) as fc.Arbitrary<ModelResource>;
}

/** Some resources, no two of one name. */
export const resourcesArbitrary = fc.uniqueArray(
  fc.oneof(
    resourceArbitrary('ClusterImageSetMirror'),
    resourceArbitrary('ImageSetMirror'),
    resourceArbitrary('ClusterReplicatedImageSet'),
    resourceArbitrary('ReplicatedImageSet'),
  ),
  {
    minLength: 1,
    maxLength: 6,
    selector: ({ kind, metadata: { namespace, name } }) => `${kind}/${namespace}/${name}`,
  },
);

/** The same as the API server would hand them out. */
export function stored(resources: readonly ModelResource[]): readonly KuikResource[] {
  return resources.map((resource) => {
    const { namespace = '', name } = resource.metadata;
    const metadata = { ...resource.metadata, uid: `${resource.kind}/${namespace}/${name}` };
    return { ...resource, apiVersion: 'kuik.enix.io/v1alpha1', metadata } as KuikResource;
  });
}

/** Where a Pod is, and what it says of itself. */
export const placeArbitrary = fc.record({
  namespace: fc.constantFrom(...namespaces),
  labels: fc.constantFrom<Readonly<Record<string, string>>>(
    {},
    { team: 'a' },
    { team: 'b' },
    { off: '' },
  ),
});

/** A container's image and pull policy. */
export const containerArbitrary = fc.record({
  image: imageArbitrary,
  policy: fc.constantFrom('Always' as const, 'IfNotPresent' as const, 'IfNotPresent' as const),
});

/** Multiples of 10 ms of which no two together make the timeout of 1 s. */
const delays = [0, 90, 270, 430, 610, 890, 1_300];

/** What any image answers, and when; by a number, so that each image gets its own. */
export const plansArbitrary = fc.array(
  fc.record(
    {
      kind: fc.constantFrom<ImagePlan['kind']>(
        ...([
          'Available',
          'Available',
          'NotFound',
          'InvalidAuth',
          'QuotaExceeded',
          'Unreachable',
        ] as const),
      ),
      afterMs: fc.constantFrom(...delays),
    },
    { requiredKeys: ['kind'] },
  ) as fc.Arbitrary<ImagePlan>,
  { minLength: 4, maxLength: 12 },
);

/** Which registries are set aside, and which are trusted. */
export const reputationArbitrary = fc.record({
  aside: fc.subarray(hosts),
  trusted: fc.oneof(fc.constant([]), fc.subarray(hosts, { maxLength: 1 })),
});
