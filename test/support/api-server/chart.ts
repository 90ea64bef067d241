import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { untilReady } from '#test/support/time/eventually.ts';
import { type Api, apiOf, type KubeObject } from './api.ts';
import { parseManifests, placeholders, type Rights, renderRights } from './rendered-rights.ts';

/** One installation of the operator: its names, and where its rights are not the chart's defaults. */
export interface Release {
  readonly name: string;
  readonly namespace: string;
  readonly rights?: Rights;
}

/** What a role can name before it is there. */
const leaseName = 'e69ca865.enix.io';
/** Longer than any test file runs. */
const tokenSeconds = 7200;
/** Of the defaults, without a policy; made by scripts/render-rights.ts and compared by a test. */
const shippedRights = join(import.meta.dirname, 'shipped-rights.yaml');

/**
 * What the chart says of the operator's rights. The defaults are there as Helm has rendered them: who
 * runs the demo, or one test, need not wait until Helm is built.
 */
export async function rightsOf({ name, namespace, rights }: Release): Promise<KubeObject[]> {
  if (rights !== undefined) return parseManifests(await renderRights({ name, namespace }, rights));
  const text = readFileSync(shippedRights, 'utf8')
    .replaceAll(placeholders.name, name)
    .replaceAll(placeholders.namespace, namespace);
  return parseManifests(text);
}

/** What an operator outside the cluster may besides: it makes its webhook configuration itself. */
function outsideObjects({ name, namespace }: Release): KubeObject[] {
  const metadata = { name: `${name}-outside` };
  const group = 'rbac.authorization.k8s.io';
  const apiVersion = `${group}/v1`;
  const configurations = {
    apiGroups: ['admissionregistration.k8s.io'],
    resources: ['mutatingwebhookconfigurations'],
    verbs: ['create'],
  };
  return [
    { apiVersion, kind: 'ClusterRole', metadata, rules: [configurations] },
    {
      ...{ apiVersion, kind: 'ClusterRoleBinding', metadata },
      roleRef: { apiGroup: group, kind: 'ClusterRole', name: metadata.name },
      subjects: [{ kind: 'ServiceAccount', name, namespace }],
    },
  ];
}

/**
 * Applies the chart and answers a token of the shipped ServiceAccount, once the API server lets it
 * do what the shipped roles say (its authorizer learns of them a moment later).
 */
export async function installChart(
  admin: Api,
  release: Release,
  { isOutside = false }: { readonly isOutside?: boolean } = {},
): Promise<string> {
  const outside = isOutside ? outsideObjects(release) : [];
  for (const object of [...(await rightsOf(release)), ...outside])
    await admin.apply(objectPath(object), object);
  const account = `/api/v1/namespaces/${release.namespace}/serviceaccounts/${release.name}`;
  const { body } = await admin.create(`${account}/token`, {
    apiVersion: 'authentication.k8s.io/v1',
    kind: 'TokenRequest',
    spec: { expirationSeconds: tokenSeconds },
  });
  const token: string = body.status.token;
  const operator = apiOf({ server: admin.server, authorityPem: admin.authorityPem, token });
  try {
    const leases = `/apis/coordination.k8s.io/v1/namespaces/${release.namespace}/leases`;
    await untilReady('the roles are in force', async () => {
      const answers = await Promise.all(
        ['/api/v1/pods?limit=1', `${leases}/${leaseName}`].map((path) =>
          operator.call('GET', path),
        ),
      );
      return answers.every(({ status }) => status === 200 || status === 404);
    });
  } finally {
    await operator.close();
  }
  return token;
}

/** Removes what the chart put outside its namespace. */
export async function removeChart(admin: Api, release: Release): Promise<void> {
  for (const object of [...(await rightsOf(release)), ...outsideObjects(release)]) {
    if (object.metadata.namespace === undefined) await admin.remove(objectPath(object));
  }
}

/** Where the API server keeps an object of one of the kinds that the chart and tests use. */
export function objectPath(object: KubeObject): string {
  const { namespace, name } = object.metadata;
  const group = object.apiVersion.includes('/') ? 'apis' : 'api';
  const scope = namespace === undefined ? '' : `/namespaces/${namespace}`;
  const plural = `${object.kind.toLowerCase().replace(/y$/, 'ie').replace(/s$/, 'se')}s`;
  return `/${group}/${object.apiVersion}${scope}/${plural}/${name}`;
}
