import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { createNamespace, removeNamespace } from '#test/support/api-server/namespace.ts';
import { admin } from '#test/support/api-server/plane.ts';
import {
  ask,
  copyOf,
  names,
  outcomeOf,
  ownerReference,
  type PolicyStage,
  type Request,
  type SecretObject,
  startPolicyStage,
} from '#test/support/api-server/policy-stage.ts';
import { eventually } from '#test/support/time/eventually.ts';

/** The chart's policies on the real API server; almost all is asked for as a dry run. */
let stage: PolicyStage;
beforeAll(async () => {
  stage = await startPolicyStage();
});
afterAll(() => stage?.stop());

type Case = readonly [what: string, request: () => Request];
type Changes = { readonly metadata?: object; readonly [field: string]: unknown };

const kuik = '/apis/kuik.enix.io/v1alpha1';
const { copy, ofVersion2, namedOnly, labelledOnly, foreign, held } = names;
const secret = (name: string, changes: Changes = {}) =>
  copyOf({ name: stage.namespace, uid: stage.ownerUid }, name, changes);
const another = (changes: Changes = {}) => secret(names.another, changes);
const secrets = (within = stage.namespace) => `/api/v1/namespaces/${within}/secrets`;
const configMaps = () => `/api/v1/namespaces/${stage.namespace}/configmaps`;

const create = (object: SecretObject, within?: string): Request => [
  'POST',
  secrets(within),
  object,
];
const apply = (object: SecretObject): Request => [
  'PATCH',
  `${secrets()}/${object.metadata.name}`,
  object,
  'apply-patch+yaml',
];
const merge = (name: string, patch: object): Request => [
  'PATCH',
  `${secrets()}/${name}`,
  patch,
  'merge-patch+json',
];
const remove = (name: string): Request => ['DELETE', `${secrets()}/${name}`];
const configMap = (name: string): Request => [
  'PATCH',
  `${configMaps()}/${name}`,
  { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name }, data: { a: 'b' } },
  'apply-patch+yaml',
];
const mirrorPath = () => `${kuik}/namespaces/${stage.namespace}/imagesetmirrors/m`;
const mirror = (patch: object): Request => ['PATCH', mirrorPath(), patch, 'merge-patch+json'];
const finalizers = (value: readonly string[]): Request => [
  'PATCH',
  mirrorPath(),
  [{ op: 'add', path: '/metadata/finalizers', value }],
  'json-patch+json',
];

const unlabelled = { labels: {} };
const ownerless = { ownerReferences: [] };
const otherData = { data: { '.dockerconfigjson': btoa('{"auths":{"quay.io":{}}}') } };
const older = { type: 'kubernetes.io/dockercfg', data: { '.dockercfg': btoa('{}') } };
const pair = { type: 'kubernetes.io/tls', data: { 'tls.crt': '', 'tls.key': '' } };
const certificate = (name = 'kuik-webhook') =>
  secret(name, { ...pair, metadata: { ...unlabelled, ...ownerless } });
const accountToken = {
  type: 'kubernetes.io/service-account-token',
  metadata: { annotations: { 'kubernetes.io/service-account.name': 'default' } },
};
const both = ['kuik.enix.io/secret-cleanup', 'example.com/foreign'];
const labelled = (part: string, value: string | null) => ({
  labels: { [`kuik.enix.io/owner-${part}`]: value },
});
const strangers = () => ({
  ownerReferences: [ownerReference({ name: stage.namespace, uid: 'of-another' })],
});
const given = () => ({ ...strangers(), ...labelled('uid', 'of-another') });

describe('the operator', () => {
  test.each<Case>([
    ['makes a copy', () => create(another())],
    ['makes one of the older type', () => create(another(older))],
    ['makes one in any namespace', () => create(another(), 'default')],
    ['renews a copy', () => apply(secret(copy, otherData))],
    ['takes over one of kuik v2', () => apply(secret(ofVersion2))],
    ['deletes a copy', () => remove(copy)],
    ['deletes one of kuik v2', () => remove(ofVersion2)],
    ['makes its certificate', () => create(certificate())],
    ['writes its overflow', () => configMap('kuik-overflow-1')],
    ['tells of lost copies', () => configMap('kuik-lost-copies')],
    ['deletes its overflow', () => ['DELETE', `${configMaps()}/kuik-overflow-1`]],
    ['puts its finalizer on', () => finalizers(['kuik.enix.io/mirror-cleanup', ...both])],
    ['takes one of kuik v2 off', () => finalizers(['example.com/foreign'])],
  ])('%s', async (_, request) => {
    expect(await outcomeOf(stage.operator, request())).toBe('done');
  });

  test.each<Case>([
    ['make a Secret of another name', () => create(secret('pull'))],
    ['make one whose name ends in no hash', () => create(secret('kuik-pull'))],
    ['make one of another type', () => create(another({ type: 'Opaque' }))],
    ['make a token of a service account', () => create(another(accountToken))],
    ['make one without labels', () => create(another({ metadata: unlabelled }))],
    ['make one without owner', () => create(another({ metadata: ownerless }))],
    [
      'make one of an owner that its label does not name',
      () => create(another({ metadata: strangers() })),
    ],
    ['make a second certificate', () => create(certificate('kuik-other'))],
    ['make its certificate elsewhere', () => create(certificate(), 'default')],
    ['write over the Secret of somebody', () => apply(secret(foreign))],
    ['write over one that is only named like a copy', () => apply(secret(namedOnly))],
    ['write over one that is only labelled like one', () => apply(secret(labelledOnly))],
    ['give a copy to another resource', () => merge(copy, { metadata: given() })],
    ['take the labels off a copy', () => merge(copy, { metadata: { labels: null } })],
    ['delete the Secret of somebody', () => remove(foreign)],
    ['delete one that is only named like a copy', () => remove(namedOnly)],
    ['delete one that is only labelled like one', () => remove(labelledOnly)],
    ['write its own configuration', () => configMap('configuration')],
    ['delete its own configuration', () => ['DELETE', `${configMaps()}/configuration`]],
    ['change what a mirror resource says', () => mirror({ spec: { mirrors: [] } })],
    ['label a mirror resource', () => mirror({ metadata: { labels: { a: 'b' } } })],
    ['take a foreign finalizer off', () => finalizers([])],
    ['put a foreign finalizer on', () => finalizers([...both, 'example.com/another'])],
  ])('may not %s', async (_, request) => {
    expect(await outcomeOf(stage.operator, request())).toBe('refused');
  });
});

describe('nobody else, not even an administrator,', () => {
  test.each<Case>([
    ['makes a copy', () => create(another())],
    ['makes one as kuik v2 left them', () => create(another({ metadata: ownerless }))],
    ['makes a copy of what is only named like one', () => apply(secret(namedOnly))],
    ['changes what a copy opens', () => merge(copy, otherData)],
    [
      'labels a copy as of another resource',
      () => merge(copy, { metadata: labelled('name', 'b') }),
    ],
    [
      'takes the label off that makes it one',
      () => merge(copy, { metadata: labelled('uid', null) }),
    ],
    ['gives it another owner', () => merge(copy, { metadata: strangers() })],
    ['keeps it from being deleted', () => merge(copy, { metadata: { finalizers: ['a.b/c'] } })],
    ['keeps it from being renewed', () => merge(copy, { immutable: true })],
  ])('%s', async (_, request) => {
    expect(await outcomeOf(admin(), request())).toBe('refused');
  });
});

describe('everybody whom a role allows it', () => {
  test.each<Case>([
    [
      'makes a Secret that is only named like a copy',
      () => create(another({ metadata: unlabelled })),
    ],
    ['makes one that is only labelled like a copy', () => create(secret('labelled-too'))],
    ['changes a Secret of theirs', () => merge(foreign, otherData)],
    ['changes one that is only labelled like a copy', () => merge(labelledOnly, { data: {} })],
    ['annotates a copy', () => merge(copy, { metadata: { annotations: { a: 'b' } } })],
    ['labels a copy for themselves', () => merge(copy, { metadata: { labels: { a: 'b' } } })],
    ['writes a copy anew as it is', () => ['PUT', `${secrets()}/${copy}`, secret(copy)]],
    ['frees a copy of its owner', () => merge(copy, { metadata: ownerless })],
    ['lets a copy go', () => merge(held, { metadata: { finalizers: [] } })],
    ['deletes a copy', () => remove(copy)],
  ])('%s', async (_, request) => {
    expect(await outcomeOf(admin(), request())).toBe('done');
  });

  test('is told what to do instead', async () => {
    const { body } = await ask(admin(), merge(copy, otherData));
    expect(body.message).toContain("change the Secret that the owner's credentialSecret names");
  });
});

test('who is exempted, as one who restores backups, makes and changes copies', async () => {
  expect(await outcomeOf(stage.restorer, create(another()))).toBe('done');
  expect(await outcomeOf(stage.restorer, merge(copy, otherData))).toBe('done');
});

describe('Kubernetes itself goes on', () => {
  test('deleting copies with their owner, and freeing them of one that is deleted alone', async () => {
    const within = await createNamespace(admin(), 'policy');
    onTestFinished(() => removeNamespace(admin(), within));
    const collection = `${kuik}/namespaces/${within}/replicatedimagesets`;
    const upstreams = [{ registry: 'quay.io' }, { registry: 'ghcr.io' }];
    const owned = async (name: string) => {
      const { body } = await admin().create(collection, {
        ...{ apiVersion: 'kuik.enix.io/v1alpha1', kind: 'ReplicatedImageSet' },
        ...{ metadata: { name }, spec: { upstreams } },
      });
      const object = copyOf({ ...body.metadata, kind: body.kind }, copyNamed(name), {});
      await stage.operator.create(secrets(within), object);
      return `${secrets(within)}/${copyNamed(name)}`;
    };
    const [gone, freed] = [await owned('gone'), await owned('freed')];
    await admin().remove(`${collection}/gone`);
    await admin().call('DELETE', `${collection}/freed`, {
      query: { propagationPolicy: 'Orphan' },
    });
    await eventually('the copy goes with its owner', async () => {
      return (await admin().get(gone)) === undefined;
    });
    await eventually('the owner goes alone', async () => {
      return (await admin().get(`${collection}/freed`)) === undefined;
    });
    expect((await admin().get(freed)).metadata.ownerReferences ?? []).toEqual([]);
    await admin().remove(`/api/v1/namespaces/${within}`);
    await eventually(
      'the namespace is gone with what is in it',
      async () => (await admin().get(`/api/v1/namespaces/${within}`)) === undefined,
      { withinMs: 30_000 },
    );
  });
});

const copyNamed = (name: string) => copy.replace('pull', name);
