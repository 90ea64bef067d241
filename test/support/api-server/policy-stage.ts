import { type Api, apiOf } from '#test/support/api-server/api.ts';
import { installChart, type Release, removeChart } from '#test/support/api-server/chart.ts';
import { createNamespace, removeNamespace } from '#test/support/api-server/namespace.ts';
import { admin } from '#test/support/api-server/plane.ts';
import { eventually } from '#test/support/time/eventually.ts';

/** The chart's policies in force on the real API server, and whom they are about. */
export interface PolicyStage {
  readonly namespace: string;
  /** Of the resource whose copies stand there. */
  readonly ownerUid: string;
  /** With the token of the operator's account. */
  readonly operator: Api;
  /** With that of an account which the chart's value exempts. */
  readonly restorer: Api;
  readonly stop: () => Promise<void>;
}

const kuik = '/apis/kuik.enix.io/v1alpha1';
const digits = '0123456789abcdef';
/** What stands before anything is held, by what it is. */
export const names = {
  copy: `kuik-pull-${digits}`,
  ofVersion2: `kuik-older-${digits}`,
  namedOnly: `kuik-mine-${digits}`,
  labelledOnly: 'labelled-only',
  foreign: 'regcred',
  held: `kuik-held-${digits}`,
  /** Is not there. */
  another: `kuik-another-${digits}`,
} as const;

/** A Secret with a docker config, as far as tests change it. */
export interface SecretObject {
  readonly metadata: { readonly name: string; readonly [field: string]: unknown };
  readonly [field: string]: unknown;
}

/** A copy as the operator writes it, with what a case has otherwise. */
export function copyOf(
  owner: { readonly name: string; readonly uid: string; readonly kind?: string },
  name: string,
  { metadata = {}, ...others }: { readonly metadata?: object; readonly [field: string]: unknown },
): SecretObject {
  const labels = {
    'kuik.enix.io/owner-group': 'kuik.enix.io',
    'kuik.enix.io/owner-version': 'v1alpha1',
    'kuik.enix.io/owner-kind': owner.kind ?? 'ClusterReplicatedImageSet',
    'kuik.enix.io/owner-name': owner.name,
    'kuik.enix.io/owner-uid': owner.uid,
  };
  const data = { '.dockerconfigjson': btoa('{"auths":{}}') };
  return {
    ...{
      apiVersion: 'v1',
      kind: 'Secret',
      type: 'kubernetes.io/dockerconfigjson',
      data,
      ...others,
    },
    metadata: { name, labels, ownerReferences: [ownerReference(owner)], ...metadata },
  };
}

/** As `metadata.ownerReferences` has it. */
export function ownerReference({
  name,
  uid,
  kind = 'ClusterReplicatedImageSet',
}: {
  readonly name: string;
  readonly uid: string;
  readonly kind?: string;
}): object {
  return { apiVersion: 'kuik.enix.io/v1alpha1', kind, name, uid };
}

/** Makes what the cases are about, then puts the policies in force; whoever starts it stops it. */
export async function startPolicyStage(): Promise<PolicyStage> {
  const namespace = await createNamespace(admin(), 'policy');
  const exempt = [`system:serviceaccount:${namespace}:default`];
  const release = { name: `policy-${namespace}`, namespace, rights: { policy: { exempt } } };
  const ownerUid = await createObjects(namespace);
  const token = await installChart(admin(), release);
  const operator = apiOf({ ...connection(), token });
  const restorer = await openRestorer(namespace);
  const forged = copyOf({ name: namespace, uid: ownerUid }, names.another, {});
  const outcome = async (api: Api, object: object, within = namespace) =>
    await ask(api, ['POST', `/api/v1/namespaces/${within}/secrets`, object]);
  await eventually('the policies are in force', async () => {
    const foreign = { ...forged, metadata: { name: 'foreign' } };
    const answers = [await outcome(admin(), forged), await outcome(operator, foreign)];
    return answers.every(({ status }) => status === 403);
  });
  const stop = async () => {
    await removeObjects(release);
    await eventually('the policies are in force no more', async () => {
      return (await outcome(admin(), forged, 'default')).status === 201;
    });
    await Promise.all([operator.close(), restorer.close()]);
  };
  return { namespace, ownerUid, operator, restorer, stop };
}

function connection() {
  const { server, authorityPem } = admin();
  return { server, authorityPem };
}

async function createObjects(namespace: string): Promise<string> {
  const upstreams = [{ registry: 'quay.io' }, { registry: 'ghcr.io' }];
  const apiVersion = 'kuik.enix.io/v1alpha1';
  const { body: owner } = await admin().create(`${kuik}/clusterreplicatedimagesets`, {
    ...{ apiVersion, kind: 'ClusterReplicatedImageSet' },
    ...{ metadata: { name: namespace }, spec: { upstreams } },
  });
  const secret = (name: string, metadata: object = {}) =>
    copyOf(owner.metadata, name, { metadata });
  for (const object of [
    secret(names.copy),
    secret(names.ofVersion2, { ownerReferences: [] }),
    secret(names.namedOnly, { labels: {} }),
    secret(names.labelledOnly),
    secret(names.foreign, { labels: {} }),
    secret(names.held, { finalizers: ['example.com/held'] }),
  ]) {
    await admin().create(`/api/v1/namespaces/${namespace}/secrets`, object);
  }
  for (const name of ['configuration', 'kuik-overflow-1']) {
    const configMap = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name } };
    await admin().create(`/api/v1/namespaces/${namespace}/configmaps`, configMap);
  }
  const finalizers = ['kuik.enix.io/secret-cleanup', 'example.com/foreign'];
  await admin().create(`${kuik}/namespaces/${namespace}/imagesetmirrors`, {
    ...{ apiVersion, kind: 'ImageSetMirror', metadata: { name: 'm', finalizers } },
    spec: { mirrors: [{ registry: 'mirror.example.com' }] },
  });
  return owner.metadata.uid;
}

async function removeObjects(release: Release): Promise<void> {
  const { namespace } = release;
  await removeChart(admin(), release);
  await admin().remove(`${kuik}/clusterreplicatedimagesets/${namespace}`);
  const released = { metadata: { finalizers: [] } };
  await admin().merge(`/api/v1/namespaces/${namespace}/secrets/${names.held}`, released);
  await admin().merge(`${kuik}/namespaces/${namespace}/imagesetmirrors/m`, released);
  await removeNamespace(admin(), namespace);
}

/** Somebody with every right there. */
async function openRestorer(namespace: string): Promise<Api> {
  const group = 'rbac.authorization.k8s.io';
  await admin().apply(`/apis/${group}/v1/namespaces/${namespace}/rolebindings/restorer`, {
    ...{ apiVersion: `${group}/v1`, kind: 'RoleBinding', metadata: { name: 'restorer' } },
    roleRef: { apiGroup: group, kind: 'ClusterRole', name: 'cluster-admin' },
    subjects: [{ kind: 'ServiceAccount', name: 'default', namespace }],
  });
  const account = `/api/v1/namespaces/${namespace}/serviceaccounts/default`;
  const { body } = await admin().create(`${account}/token`, {
    ...{ apiVersion: 'authentication.k8s.io/v1', kind: 'TokenRequest', spec: {} },
  });
  return apiOf({ ...connection(), token: body.status.token });
}

/** A request; without a type its body is JSON. */
export type Request = readonly [
  method: string,
  path: string,
  body?: object,
  contentType?: 'apply-patch+yaml' | 'merge-patch+json' | 'json-patch+json',
];

/** Asks for it as a dry run, which changes nothing and is judged all the same. */
export async function ask(api: Api, [method, path, body, contentType]: Request) {
  const apply = contentType === 'apply-patch+yaml' && { fieldManager: 'kuik-test', force: 'true' };
  return await api.call(method, path, {
    query: { dryRun: 'All', ...apply },
    ...(body && { body }),
    ...(contentType && { contentType: `application/${contentType}` }),
  });
}

/** What came of it: `done`, `refused` by a policy, or what else was said. */
export async function outcomeOf(api: Api, request: Request): Promise<string> {
  const { status, body } = await ask(api, request);
  if (status < 300) return 'done';
  const text: string = body.message ?? '';
  return status === 403 && text.includes('ValidatingAdmissionPolicy') ? 'refused' : text;
}
