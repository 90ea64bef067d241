import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { parse, parseAllDocuments } from 'yaml';
import { type CustomResourceDefinition, customResourceDefinitions } from '#api/crds/definitions.ts';
import { kinds } from '#api/kinds.ts';
import type { ApiAnswer, KubeObject } from '#test/support/api-server/api.ts';
import { admin, freshNamespace } from '#test/support/api-server/plane.ts';
import { untilReady } from '#test/support/time/eventually.ts';

interface Case {
  readonly case: string;
  readonly kind: string;
  readonly spec?: unknown;
}

interface RefusedCase extends Case {
  readonly field: string;
  readonly mend: string;
}

const definitionsPath = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions';

test.each(kinds)(
  '$kind is served, with its short name and nothing to complain of',
  async (info) => {
    const { status, spec } = await admin().get(`${definitionsPath}/${info.plural}.kuik.enix.io`);
    const conditions: { type: string; status: string }[] = status.conditions;
    expect(conditions.map(({ type, status: value }) => `${type}=${value}`).sort()).toEqual([
      'Established=True',
      'NamesAccepted=True',
    ]);
    expect(status.acceptedNames.shortNames).toEqual([info.shortName]);
    expect(spec.scope).toBe(info.scope);
  },
);

const seed = parseAllDocuments(text('seed.yaml')).map((document) => document.toJS() as KubeObject);

test.each(seed.map((object) => ({ name: `${object.kind} ${object.metadata.name}`, object })))(
  "kuik v2's example $name applies unchanged",
  async ({ object }) => {
    const namespace = await freshNamespace();
    const metadata = { ...object.metadata };
    if (metadata.namespace !== undefined) Object.assign(metadata, { namespace });
    const path = `${collection(object.kind, namespace)}/${object.metadata.name}`;
    const answer = await admin().call('PATCH', path, {
      body: { ...object, metadata },
      contentType: 'application/apply-patch+yaml',
      // Strict: not one of its fields is unknown.
      query: { fieldManager: 'kubectl', fieldValidation: 'Strict' },
    });
    onTestFinished(() => admin().remove(path));
    expect(answer.body.message).toBeUndefined();
    expect(answer.status).toBe(201);
    expect(answer.body.spec).toMatchObject(object['spec'] as object);
  },
);

test.each(parse(text('accepted.yaml')) as Case[])('accepted: $case', async (given) => {
  const answer = await tryToCreate(given);
  expect(answer.body.message).toBeUndefined();
  expect(answer.status).toBe(201);
});

test.each(parse(text('refused.yaml')) as RefusedCase[])('refused: $case', async (given) => {
  const answer = await tryToCreate(given);
  expect(answer.status).toBe(422);
  expect(answer.body.message).toContain(given.field);
  expect(answer.body.message).toContain(given.mend);
});

test.each([
  { kind: 'ReplicatedImageSet', field: 'upstreams', limit: 32 },
  { kind: 'ClusterImageSetMirror', field: 'mirrors', limit: 64 },
])('$kind takes $limit $field and not one more', async ({ kind, field, limit }) => {
  const spec = (length: number) => ({
    [field]: Array.from({ length }, () => ({ registry: 'quay.io' })),
  });
  expect((await tryToCreate({ case: '', kind, spec: spec(limit) })).status).toBe(201);
  const { status, body } = await tryToCreate({ case: '', kind, spec: spec(limit + 1) });
  expect(status).toBe(422);
  expect(body.message).toContain(`spec.${field}: Too many: ${limit + 1}`);
});

test('a selector of 512 characters is taken and one more is refused', async () => {
  const spec = (length: number) => ({ podFilter: { labels: { include: ['a'.repeat(length)] } } });
  const kind = 'ImageSetMirror';
  expect((await tryToCreate({ case: '', kind, spec: spec(512) })).status).toBe(201);
  const { status, body } = await tryToCreate({ case: '', kind, spec: spec(513) });
  expect(status).toBe(422);
  expect(body.message).toContain('spec.podFilter.labels.include[0]: Too long');
});

test('what is left out gets its default', async () => {
  const mirror = await tryToCreate({
    case: '',
    kind: 'ClusterImageSetMirror',
    spec: { cleanup: { enabled: true }, mirrors: [{ registry: 'a.example.com', cleanup: {} }] },
  });
  expect(mirror.body.spec).toEqual({
    priority: 0,
    cleanup: { enabled: true, retention: '168h' },
    mirrors: [
      {
        registry: 'a.example.com',
        path: '',
        priority: 0,
        cleanup: { enabled: false, retention: '168h' },
      },
    ],
  });
  const set = await tryToCreate({
    case: '',
    kind: 'ReplicatedImageSet',
    spec: { upstreams: [{ registry: 'quay.io' }] },
  });
  expect(set.body.spec).toEqual({
    priority: 0,
    upstreams: [{ registry: 'quay.io', path: '', priority: 0, discardAlternative: false }],
  });
  const availability = await tryToCreate({
    case: '',
    kind: 'ClusterImageSetAvailability',
    spec: {},
  });
  expect(availability.body.spec).toEqual({ unusedImageExpiry: '0s' });
});

test.each([
  { kind: 'ClusterImageSetAvailability', columns: 'IMAGES AVAILABLE MISSING READY REASON AGE' },
  { kind: 'ClusterImageSetMirror', columns: 'IMAGES MIRRORED FAILED READY REASON AGE' },
  { kind: 'ImageSetMirror', columns: 'IMAGES MIRRORED FAILED READY REASON AGE' },
  { kind: 'ClusterReplicatedImageSet', columns: 'IMAGES PRIORITY READY REASON AGE' },
  { kind: 'ReplicatedImageSet', columns: 'IMAGES PRIORITY READY REASON AGE' },
])('`kubectl get` of $kind shows $columns', async ({ kind, columns }) => {
  const { body } = await admin().call('GET', collection(kind, 'default'), { accept: tableForm });
  const names: string[] = body.columnDefinitions.map(({ name }: { name: string }) => name);
  expect(names.map((name) => name.toUpperCase()).join(' ')).toBe(`NAME ${columns}`);
});

test('a column says what the status says', async () => {
  const path = `${collection('ClusterImageSetAvailability', '')}/columns`;
  const object = { apiVersion: 'kuik.enix.io/v1alpha1', kind: 'ClusterImageSetAvailability' };
  await admin().apply(path, { ...object, metadata: { name: 'columns' }, spec: {} });
  onTestFinished(() => admin().remove(path));
  const status = {
    imageCount: 12,
    availableCount: 9,
    missingCount: 3,
    conditions: [readyCondition('True', 'Ready')],
  };
  await admin().merge(`${path}/status`, { status });
  const { body } = await admin().call('GET', path, { accept: tableForm });
  expect(body.rows[0].cells.slice(0, 5)).toEqual(['columns', 12, 9, 3, 'True']);
});

test('a status can still be written on an object stored before the rules, whatever they refuse', async () => {
  const definition = definitionInGroup('stored-before.example.com');
  const path = '/apis/stored-before.example.com/v1alpha1/clusterimagesetmirrors';
  const definitionPath = `${definitionsPath}/${definition.metadata.name}`;
  onTestFinished(() => admin().remove(definitionPath));
  await admin().apply(definitionPath, withoutRules(definition));
  await untilReady('the definition without rules is served', async () => {
    return (await admin().call('GET', path)).status === 200;
  });
  const stored = {
    pattern: { imageFilter: { include: ['(a'] } },
    item: { filter: { exclude: [{ namespace: '[' }, { image: 'a', label: 'b' }] } },
    registry: { mirrors: [{ registry: 'harbor' }] },
    secret: { mirrors: [{ registry: 'a.example.com', credentialSecret: { name: 'a' } }] },
    duration: { cleanup: { enabled: true, retention: '7d' } },
    spellings: { filter: { include: [{ image: 'a' }] }, imageFilter: { include: ['a'] } },
    length: { imageFilter: { include: Array.from({ length: 20 }, () => 'a'.repeat(200)) } },
  };
  for (const [name, spec] of Object.entries(stored)) {
    await admin().create(path, mirrorObject(definition, name, { spec }));
    await admin().merge(`${path}/${name}/status`, { status: statusOfVersion2 });
  }
  await admin().apply(definitionPath, definition);
  await untilReady('the definition with rules is in force', async () => {
    const body = mirrorObject(definition, 'try', { spec: { mirrors: [{ registry: 'harbor' }] } });
    return (await admin().call('POST', path, { body, query: { dryRun: 'All' } })).status === 422;
  });
  for (const name of Object.keys(stored)) {
    const status = {
      conditions: [readyCondition('False', 'InvalidSpec')],
      matchingImages: [{ image: 'docker.io/library/nginx:1' }],
    };
    const answer = await admin().apply(
      `${path}/${name}/status`,
      mirrorObject(definition, name, { status }),
    );
    // And what kuik v2 wrote there is taken over as a whole.
    expect(answer.body.status, name).toEqual(status);
    await admin().merge(`${path}/${name}`, { metadata: { labels: { still: 'editable' } } });
  }
  const refused = await admin().call('PATCH', `${path}/pattern`, {
    body: { spec: { imageFilter: { include: ['(b'] } } },
    contentType: 'application/merge-patch+json',
  });
  expect(refused.status).toBe(422);
});

const tableForm = 'application/json;as=Table;v=v1;g=meta.k8s.io';

const statusOfVersion2 = {
  matchingImages: [
    { image: 'docker.io/library/nginx:1', mirrors: [{ image: 'a.example.com/nginx:1' }] },
    { image: 'docker.io/library/redis:7', mirrors: [] },
  ],
};

function readyCondition(status: string, reason: string): object {
  const lastTransitionTime = '2026-01-02T03:04:05Z';
  return { type: 'Ready', status, reason, message: 'a sentence', lastTransitionTime };
}

function text(file: string): string {
  return readFileSync(join(import.meta.dirname, 'crds', file), 'utf8');
}

function collection(kind: string, namespace: string): string {
  const info = kinds.find((candidate) => candidate.kind === kind)!;
  const scope = info.scope === 'Namespaced' ? `namespaces/${namespace}/` : '';
  return `/apis/kuik.enix.io/v1alpha1/${scope}${info.plural}`;
}

/** What the API server would say; nothing is stored. */
function tryToCreate(given: Case): Promise<ApiAnswer> {
  return admin().call('POST', collection(given.kind, 'default'), {
    body: {
      apiVersion: 'kuik.enix.io/v1alpha1',
      kind: given.kind,
      metadata: { name: 'case' },
      spec: given.spec ?? null,
    },
    query: { dryRun: 'All' },
  });
}

/** The ClusterImageSetMirror under another group, so that what other tests use stays as it is. */
function definitionInGroup(group: string): CustomResourceDefinition {
  const definition = customResourceDefinitions().find(
    ({ spec }) => spec.names.kind === 'ClusterImageSetMirror',
  )!;
  const names = { ...definition.spec.names, shortNames: [], categories: [] };
  return {
    ...definition,
    metadata: { name: `${names.plural}.${group}` },
    spec: { ...definition.spec, group, names },
  };
}

/** As kuik v2 had it: no rule, and lists in the status that are merged item by item. */
function withoutRules(definition: CustomResourceDefinition): object {
  const copy = structuredClone(definition) as unknown as {
    spec: { versions: { schema: { openAPIV3Schema: object } }[] };
  };
  const list = (items: object) => ({
    type: 'array',
    'x-kubernetes-list-type': 'map',
    'x-kubernetes-list-map-keys': ['image'],
    items: { type: 'object', required: ['image'], ...items },
  });
  const image = { type: 'string' };
  const mirrors = list({ properties: { image } });
  const status = { properties: { matchingImages: list({ properties: { image, mirrors } }) } };
  copy.spec.versions[0]!.schema.openAPIV3Schema = {
    type: 'object',
    properties: {
      spec: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true },
      status: { type: 'object', ...status },
    },
  };
  return copy;
}

function mirrorObject(definition: CustomResourceDefinition, name: string, body: object): object {
  const apiVersion = `${definition.spec.group}/v1alpha1`;
  return { apiVersion, kind: 'ClusterImageSetMirror', metadata: { name }, ...body };
}
