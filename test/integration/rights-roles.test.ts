import { expect, test } from 'vitest';
import { apiOf } from '#test/support/api-server/api.ts';
import { installChart, removeChart } from '#test/support/api-server/chart.ts';
import { createNamespace, removeNamespace } from '#test/support/api-server/namespace.ts';
import { admin } from '#test/support/api-server/plane.ts';
import type { Rights } from '#test/support/api-server/rendered-rights.ts';

/** What the API server lets the operator's account do, by the chart's values; 404 is a right. */
const listed = 'default';
const unlisted = 'kube-public';
const secret = (namespace: string) => `/api/v1/namespaces/${namespace}/secrets/none`;
const certificateIn = (namespace: string) => `/api/v1/namespaces/${namespace}/secrets/kuik-webhook`;
const account = (namespace: string) => `/api/v1/namespaces/${namespace}/serviceaccounts/none`;

type Row = readonly [expected: number, method: string, path: string];

test.each<readonly [what: string, rights: Rights, rows: readonly Row[]]>([
  [
    'all Secrets',
    { secrets: 'all' },
    [
      [404, 'GET', secret(listed)],
      [404, 'GET', secret(unlisted)],
      [404, 'DELETE', secret(unlisted)],
      [403, 'PUT', secret(listed)],
      [200, 'GET', '/api/v1/secrets?limit=1'],
      [404, 'GET', account(unlisted)],
    ],
  ],
  [
    'the Secrets of one namespace',
    { secrets: [listed] },
    [
      [404, 'GET', secret(listed)],
      [404, 'DELETE', secret(listed)],
      [403, 'PUT', secret(listed)],
      [403, 'GET', secret(unlisted)],
      [403, 'DELETE', secret(unlisted)],
      [403, 'GET', '/api/v1/secrets?limit=1'],
      [404, 'GET', account(listed)],
      [403, 'GET', account(unlisted)],
    ],
  ],
  [
    'no Secret',
    { secrets: 'none' },
    [
      [403, 'GET', secret(listed)],
      [403, 'DELETE', secret(listed)],
      [403, 'GET', '/api/v1/secrets?limit=1'],
      [403, 'GET', account(listed)],
    ],
  ],
  [
    'the nodes only where copies are cut',
    { platforms: 'all' },
    [
      [403, 'GET', '/api/v1/nodes'],
      [200, 'GET', '/api/v1/pods?limit=1'],
    ],
  ],
  [
    'no certificate where cert-manager makes it',
    { certManager: true, secrets: 'none' },
    [[403, 'GET', certificateIn(listed)]],
  ],
  [
    'to have tokens reviewed where the debug port is reached from outside',
    { debugRemote: true },
    [
      [201, 'POST', '/apis/authentication.k8s.io/v1/tokenreviews'],
      [201, 'POST', '/apis/authorization.k8s.io/v1/subjectaccessreviews'],
    ],
  ],
])('the operator may read %s', async (_, rights, rows) => {
  const namespace = await createNamespace(admin(), 'rights');
  const release = { name: `rights-${namespace}`, namespace, rights };
  const { server, authorityPem } = admin();
  const token = await installChart(admin(), release);
  const operator = apiOf({ server, authorityPem, token });
  try {
    // Whatever else it may read, its own certificate it keeps.
    const own: Row = [rights.certManager ? 403 : 404, 'GET', certificateIn(namespace)];
    for (const [expected, method, path] of [...rows, own]) {
      const { status } = await operator.call(method, path, { body: bodies[path] });
      expect(status, `${method} ${path}`).toBe(expected);
    }
  } finally {
    await operator.close();
    await removeChart(admin(), release);
    await removeNamespace(admin(), namespace);
  }
});

/** What is asked of those that only answer. */
const bodies: Readonly<Record<string, object>> = {
  '/apis/authentication.k8s.io/v1/tokenreviews': {
    ...{ apiVersion: 'authentication.k8s.io/v1', kind: 'TokenReview', spec: { token: 'none' } },
  },
  '/apis/authorization.k8s.io/v1/subjectaccessreviews': {
    ...{ apiVersion: 'authorization.k8s.io/v1', kind: 'SubjectAccessReview' },
    spec: { user: 'a', nonResourceAttributes: { path: '/debug', verb: 'get' } },
  },
};
