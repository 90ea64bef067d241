import { expect, test } from 'vitest';
import type { AccessQuestion } from '#core/access.ts';
import { reviewAccess } from '#kube/review-access.ts';
import { admin, freshNamespace } from '#test/support/api-server/plane.ts';
import { proxiedClient, proxyToPlane } from '#test/support/api-server/watch-stage.ts';
import { eventually } from '#test/support/time/eventually.ts';

const never = new AbortController().signal;

/** A client with every right, and what it is told of a token. */
async function asking() {
  const proxy = await proxyToPlane();
  const client = await proxiedClient(proxy);
  const ask = (token: string, path: AccessQuestion['path'] = '/debug') =>
    reviewAccess(client, { token, path }, never);
  return { proxy, ask };
}

/** The token of a new service account. */
async function tokenOf(namespace: string, name: string): Promise<string> {
  const accounts = `/api/v1/namespaces/${namespace}/serviceaccounts`;
  const account = { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name } };
  await admin().create(accounts, account);
  const spec = { expirationSeconds: 3_600 };
  const request = { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenRequest', spec };
  const { body } = await admin().create(`${accounts}/${name}/token`, request);
  return body.status.token;
}

/** Lets a service account get a non-resource URL. */
async function allow(namespace: string, account: string, nonResourceURLs: readonly string[]) {
  const name = `${namespace}-${account}`;
  const rbac = 'rbac.authorization.k8s.io';
  const head = { apiVersion: `${rbac}/v1`, metadata: { name } };
  const rules = [{ nonResourceURLs, verbs: ['get'] }];
  const roleRef = { apiGroup: rbac, kind: 'ClusterRole', name };
  const subjects = [{ kind: 'ServiceAccount', name: account, namespace }];
  const root = `/apis/${rbac}/v1`;
  await admin().create(`${root}/clusterroles`, { ...head, kind: 'ClusterRole', rules });
  const binding = { ...head, kind: 'ClusterRoleBinding', roleRef, subjects };
  await admin().create(`${root}/clusterrolebindings`, binding);
}

test('who may get /debug is let in, who may not is named, and nobody else is anybody', async () => {
  const namespace = await freshNamespace('access');
  const { ask } = await asking();
  const [reader, stranger] = [
    await tokenOf(namespace, 'reader'),
    await tokenOf(namespace, 'stranger'),
  ];
  await allow(namespace, 'reader', ['/debug']);
  await eventually('the role is in force', async () => (await ask(reader)).kind === 'allowed');
  expect(await ask(reader, '/metrics')).toMatchObject({ kind: 'forbidden' });
  const user = `system:serviceaccount:${namespace}:stranger`;
  expect(await ask(stranger)).toEqual({ kind: 'forbidden', user });
  for (const token of ['nonsense', `${reader}x`, `${reader.slice(0, -4)}AAAA`]) {
    expect(await ask(token)).toEqual({ kind: 'unknown' });
  }
});

test('an API server that cannot be asked lets nobody in', async () => {
  const { proxy, ask } = await asking();
  proxy.setRules({ fault: { kind: 'reset' } });
  expect(await ask('whatever')).toMatchObject({ kind: 'unanswered' });
});
