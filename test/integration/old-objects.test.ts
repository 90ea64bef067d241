import { afterAll, beforeAll, expect, test } from 'vitest';
import { customResourceDefinitions } from '#api/crds/definitions.ts';
import { type KuikKind, kinds, pluralOf } from '#api/kinds.ts';
import { type ControlPlane, startControlPlane } from '#test/support/api-server/control-plane.ts';
import { type OperatorProcess, startOperator } from '#test/support/operator/operator-process.ts';
import { eventually } from '#test/support/time/eventually.ts';

/**
 * Objects that were stored before the schema refused them, on an API server of their own: its
 * definitions let everything in at first.
 */
let plane: ControlPlane;
let operator: OperatorProcess;

const definitions = customResourceDefinitions();
const definitionPath = (name: string) =>
  `/apis/apiextensions.k8s.io/v1/customresourcedefinitions/${name}`;
const everything = { type: 'object', 'x-kubernetes-preserve-unknown-fields': true };

const imageFilter = { include: ['.+'] };
const upstreams = [{ registry: 'docker.io', imageFilter }, { registry: 'quay.io' }];
const mirrors = [{ registry: 'm.example.com' }];
const good: Readonly<Record<KuikKind, object>> = {
  ReplicatedImageSet: { upstreams },
  ClusterReplicatedImageSet: { upstreams },
  ImageSetMirror: { imageFilter, mirrors },
  ClusterImageSetMirror: { imageFilter, mirrors },
  ClusterImageSetAvailability: { imageFilter },
};
const many = (count: number, item: unknown) => Array.from({ length: count }, () => item);

/** What is wrong with a spec, by the field that is told; on every kind that has the field. */
const faults: readonly (readonly [string, readonly KuikKind[], object])[] = [
  ...kinds.flatMap(({ kind }) => [
    [
      'spec.podFilter.labels.include[0]',
      [kind],
      { podFilter: { labels: { include: [5] } } },
    ] as const,
    ['spec.podFilter', [kind], { podFilter: 'all' }] as const,
  ]),
  [
    'spec.cleanup.retention',
    ['ImageSetMirror', 'ClusterImageSetMirror'],
    { cleanup: { retention: '7d' } },
  ],
  [
    'spec.mirrors[0].cleanup.retention',
    ['ImageSetMirror', 'ClusterImageSetMirror'],
    { mirrors: [{ ...mirrors[0], cleanup: { retention: 'soon' } }] },
  ],
  ['spec.mirrors', ['ImageSetMirror'], { mirrors: many(65, mirrors[0]) }],
  ['spec.unusedImageExpiry', ['ClusterImageSetAvailability'], { unusedImageExpiry: '1 week' }],
  ['spec.priority', ['ReplicatedImageSet', 'ClusterImageSetMirror'], { priority: '5' }],
  ['spec.upstreams[0].registry', ['ClusterReplicatedImageSet'], { upstreams: [{ path: '/a' }] }],
  ['spec.imageFilter.include', ['ImageSetMirror'], { imageFilter: { include: many(17, '.+') } }],
];

function pathOf(kind: KuikKind, name = ''): string {
  const place = kind.startsWith('Cluster') ? '' : '/namespaces/default';
  return `/apis/kuik.enix.io/v1alpha1${place}/${pluralOf(kind)}${name && `/${name}`}`;
}

async function store(kind: KuikKind, name: string, spec: object): Promise<void> {
  const object = { apiVersion: 'kuik.enix.io/v1alpha1', kind, metadata: { name }, spec };
  await plane.admin.create(pathOf(kind), object);
}

/** Until the API server refuses what the definitions do, it has not taken them in. */
async function isInForce(kind: KuikKind): Promise<boolean> {
  const object = { apiVersion: 'kuik.enix.io/v1alpha1', kind, metadata: { name: 'try' } };
  const body = { ...object, spec: { podFilter: [] } };
  const answer = await plane.admin.call('POST', `${pathOf(kind)}?dryRun=All`, { body });
  return answer.status === 422 || answer.status === 400;
}

beforeAll(async () => {
  plane = await startControlPlane({ controllers: false });
  for (const { metadata, spec } of definitions) {
    const [version] = spec.versions;
    const versions = [{ ...version, schema: { openAPIV3Schema: everything } }];
    await plane.admin.merge(definitionPath(metadata.name), { spec: { versions } });
  }
  await eventually('anything is let in', async () => {
    const inForce = await Promise.all(kinds.map(({ kind }) => isInForce(kind)));
    return !inForce.includes(true);
  });
  for (const [index, [, where, spec]] of faults.entries()) {
    for (const kind of where) await store(kind, `old-${index}`, { ...good[kind], ...spec });
  }
  for (const { kind } of kinds) await store(kind, 'good', good[kind]);
  await store('ImageSetMirror', 'mixed', { ...good.ImageSetMirror, filter: 'all' });
  await store('ReplicatedImageSet', 'hollow', { upstreams: [null] });
  for (const definition of definitions) {
    const { versions } = definition.spec;
    await plane.admin.merge(definitionPath(definition.metadata.name), { spec: { versions } });
  }
  await eventually('the definitions are in force', async () => {
    const inForce = await Promise.all(kinds.map(({ kind }) => isInForce(kind)));
    return !inForce.includes(false);
  });
  operator = await startOperator({ adminKubeconfig: plane.adminKubeconfig });
});
afterAll(async () => {
  await operator?.kill();
  await plane?.stop();
});

async function readyOf(kind: KuikKind, name: string) {
  return await eventually(`${kind} ${name} is told`, async () => {
    const { status } = await plane.admin.get(pathOf(kind, name));
    return status?.conditions?.[0] as { status: string; reason: string; message: string };
  });
}

test('each is told what is wrong with it, by its field', async () => {
  for (const [index, [field, where]] of faults.entries()) {
    for (const kind of where) {
      const ready = await readyOf(kind, `old-${index}`);
      expect(ready, `${kind} ${field}`).toMatchObject({ status: 'False', reason: 'InvalidSpec' });
      expect(ready.message, kind).toContain(`${field}: expected `);
    }
  }
});

test('the others go on', async () => {
  for (const { kind } of kinds)
    expect(await readyOf(kind, 'good')).toMatchObject({ status: 'True' });
});

test.each([
  ['mixed', 'spec.filter: '],
  ['hollow', 'spec.upstreams[0]: '],
])(
  'one whose status the API server lets nobody write is warned all the same: %s',
  async (name, field) => {
    await eventually('it is warned', async () => {
      const { items } = await plane.admin.get('/apis/events.k8s.io/v1/namespaces/default/events');
      return items.some(
        (event: { reason: string; note: string; regarding: { name: string } }) =>
          event.reason === 'InvalidSpec' &&
          event.regarding.name === name &&
          event.note.includes(field),
      );
    });
  },
);
