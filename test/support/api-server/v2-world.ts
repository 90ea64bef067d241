import { secretCopyName } from '#actors/secrets/secret-copy.ts';
import { pullSecretType } from '#test/support/registries/pull-secret.ts';
import { eventually } from '#test/support/time/eventually.ts';
import type { Api } from './api.ts';
import { v2Definitions } from './v2-definitions.ts';

/** Where kuik v2 was, with a registry and a mirror of it. */
export interface V2Site {
  readonly admin: Api;
  readonly sourceHost: string;
  readonly mirrorHost: string;
}

/**
 * What kuik v2 leaves on an API server: a set, a mirror and an availability with its finalizers and
 * statuses, a copied Secret, a Pod that it looked at, and a webhook whose Pods are gone. Answers
 * with the name of the copied Secret.
 */
export async function leaveVersion2(site: V2Site): Promise<string> {
  const { admin } = site;
  await serveDefinitions(admin, v2Definitions());
  await eventually('its definitions are served', async () => {
    const paths = [v2Paths.set, v2Paths.mirror, v2Paths.checks].map(collectionOf);
    const found = await Promise.all(paths.map((path) => admin.call('GET', path)));
    return found.every(({ status }) => status === 200);
  });
  const uid = await leaveResources(site);
  await leaveStatuses(site);
  const account = { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: 'default' } };
  await admin.create('/api/v1/namespaces/default/serviceaccounts', account);
  await admin.create(`${v2Paths.pods}`, lookedAt(site, 'looked'));
  await admin.create(
    '/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations',
    webhook,
  );
  return await leaveSecret(site, uid);
}

const kuik = '/apis/kuik.enix.io/v1alpha1';

/** Where its objects are. */
export const v2Paths = {
  set: `${kuik}/clusterreplicatedimagesets/team`,
  mirror: `${kuik}/clusterimagesetmirrors/copies`,
  checks: `${kuik}/clusterimagesetavailabilities/all`,
  pods: '/api/v1/namespaces/default/pods',
  secrets: '/api/v1/namespaces/default/secrets',
} as const;

/** When it says that it made its copies. */
export const v2MirroredAt = '2026-03-01T12:00:00Z';

const secretCleanup = 'kuik.enix.io/secret-cleanup';
const mirrorCleanup = 'kuik.enix.io/mirror-cleanup';
const collectionOf = (path: string) => path.slice(0, path.lastIndexOf('/'));

/** Puts definitions in the place of others, as `helm install --take-ownership` does. */
export async function serveDefinitions(
  admin: Api,
  definitions: readonly { readonly metadata: { readonly name: string } }[],
): Promise<void> {
  const path = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions';
  for (const definition of definitions) {
    await admin.apply(`${path}/${definition.metadata.name}`, definition);
  }
}

/** A status written as kuik v2 writes it: whole, by its own manager. */
export async function writeV2Status(admin: Api, path: string, status: object) {
  const body = { ...(await admin.get(path)), status };
  return await admin.call('PUT', `${path}/status`, { body, query: { fieldManager: 'manager' } });
}

/** A Pod that it has looked at: every container is in its annotation, rewritten or not. */
export function lookedAt({ sourceHost }: Pick<V2Site, 'sourceHost'>, name: string) {
  const originals = {
    app: `${sourceHost}/away/app:1`,
    beside: `${sourceHost}/team/beside:1`,
  };
  const annotations = { 'kuik.enix.io/original-images': JSON.stringify(originals) };
  return {
    ...{ apiVersion: 'v1', kind: 'Pod', metadata: { name, annotations } },
    spec: {
      containers: [
        { name: 'app', image: `${sourceHost}/team/app:1` },
        { name: 'beside', image: originals.beside },
      ],
    },
  };
}

async function leaveResources({ admin, sourceHost, mirrorHost }: V2Site): Promise<string> {
  const apiVersion = 'kuik.enix.io/v1alpha1';
  const all = { include: [`${sourceHost}/.+`] };
  const upstreams = ['/away', '/team'].map((path) => ({
    ...{ registry: sourceHost, path, imageFilter: { include: ['.*'] } },
  }));
  await admin.create(collectionOf(v2Paths.set), {
    ...{ apiVersion, kind: 'ClusterReplicatedImageSet' },
    metadata: { name: 'team', finalizers: [secretCleanup, 'example.com/other'] },
    spec: { upstreams },
  });
  await admin.create(collectionOf(v2Paths.checks), {
    ...{ apiVersion, kind: 'ClusterImageSetAvailability', metadata: { name: 'all' } },
    spec: { imageFilter: all },
  });
  const credentialSecret = { namespace: 'kube-system', name: 'push' };
  const { body } = await admin.create(collectionOf(v2Paths.mirror), {
    ...{ apiVersion, kind: 'ClusterImageSetMirror' },
    metadata: { name: 'copies', finalizers: [mirrorCleanup, secretCleanup] },
    spec: {
      imageFilter: all,
      mirrors: [{ registry: mirrorHost, path: '/kuik', credentialSecret }],
      cleanup: { enabled: true, retention: '720h' },
    },
  });
  return body.metadata.uid;
}

async function leaveStatuses({ admin, sourceHost, mirrorHost }: V2Site): Promise<void> {
  const entryOf = (path: string) => ({
    image: `${sourceHost}/${path}`,
    mirrors: [{ image: `${mirrorHost}/kuik/${path}`, mirroredAt: v2MirroredAt }],
  });
  const unused = { ...entryOf('team/old:1'), unusedSince: '0001-01-01T00:00:00Z' };
  const matchingImages = [entryOf('team/app:1'), unused];
  const lastMonitor = `${new Date(Date.now() - 60_000).toISOString().slice(0, 19)}Z`;
  const image = `${sourceHost}/team/app:1`;
  const images = [{ image, status: 'Available', lastMonitor, original: false }];
  for (const [path, status] of [
    [v2Paths.mirror, { matchingImages }],
    [v2Paths.checks, { imageCount: 1, images }],
  ] as const) {
    const answer = await writeV2Status(admin, path, status);
    if (answer.status !== 200) throw new Error(`PUT ${path}/status: ${answer.body?.message}`);
  }
}

async function leaveSecret({ admin, mirrorHost }: V2Site, uid: string): Promise<string> {
  const source = { namespace: 'kube-system', name: 'push' };
  const auths = { [mirrorHost]: { username: 'pusher', password: 'for-pushes-alone' } };
  const stringData = { '.dockerconfigjson': JSON.stringify({ auths }) };
  const secret = { apiVersion: 'v1', kind: 'Secret', type: pullSecretType, stringData };
  await admin.create('/api/v1/namespaces/kube-system/secrets', {
    ...{ ...secret, metadata: { name: source.name } },
  });
  const owner = { kind: 'ClusterImageSetMirror', name: 'copies', uid } as const;
  const name = await secretCopyName(source, owner);
  const labels = {
    'kuik.enix.io/owner-group': 'kuik.enix.io',
    'kuik.enix.io/owner-version': 'v1alpha1',
    'kuik.enix.io/owner-kind': owner.kind,
    'kuik.enix.io/owner-name': owner.name,
    'kuik.enix.io/owner-uid': uid,
  };
  await admin.create(v2Paths.secrets, { ...secret, metadata: { name, labels } });
  return name;
}

/** Its Pods are gone already: a port of loopback at which nobody listens. */
const webhook = {
  apiVersion: 'admissionregistration.k8s.io/v1',
  kind: 'MutatingWebhookConfiguration',
  metadata: { name: 'kube-image-keeper-mutating-webhook' },
  webhooks: [
    {
      name: 'mpod-v1.kb.io',
      clientConfig: { url: 'https://127.0.0.1:9/mutate--v1-pod' },
      rules: [
        { apiGroups: [''], apiVersions: ['v1'], operations: ['CREATE'], resources: ['pods'] },
      ],
      ...{ admissionReviewVersions: ['v1'], sideEffects: 'None', failurePolicy: 'Ignore' },
      reinvocationPolicy: 'IfNeeded',
    },
  ],
};
