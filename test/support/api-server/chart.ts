import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import { untilReady } from '#test/support/time/eventually.ts';
import { type Api, apiOf, type KubeObject } from './api.ts';

/** One installation of the operator: all that a template may name. */
export interface Release {
  readonly name: string;
  readonly namespace: string;
  /** `debug.remote` of the chart's values. */
  readonly debugRemote?: boolean;
}

const directory = join(import.meta.dirname, '..', '..', '..', 'chart', 'templates');
/** Made only where the values ask for it, by what only Helm knows. */
const onDemand = ['dashboard.yaml', 'prometheus-rule.yaml', 'service-monitor.yaml'];
/** What a role can name before it is there. */
const leaseName = 'e69ca865.enix.io';
/** Longer than any test file runs. */
const tokenSeconds = 7200;

/** The chart's objects with the release's name and namespace put in. */
export function renderChart(release: Release): KubeObject[] {
  return readdirSync(directory)
    .filter((file) => !onDemand.includes(file))
    .toSorted()
    .map((file) => {
      const text = readFileSync(join(directory, file), 'utf8')
        .replaceAll(remoteOnly, release.debugRemote === true ? '$1' : '')
        .replaceAll('{{ .Release.Name }}', release.name)
        .replaceAll('{{ .Release.Namespace }}', release.namespace);
      if (text.includes('{{')) throw new Error(`Expected ${file} to need no more than a release.`);
      return parse(text) as KubeObject;
    });
}

const remoteOnly = /\{\{- if \.Values\.debug\.remote \}\}\n(.*?)\{\{- end \}\}\n/gs;

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
  for (const object of [...renderChart(release), ...outside])
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
  for (const object of [...renderChart(release), ...outsideObjects(release)]) {
    if (object.metadata.namespace === undefined) await admin.remove(objectPath(object));
  }
}

/** Where the API server keeps an object of one of the kinds that the chart and tests use. */
export function objectPath(object: KubeObject): string {
  const { namespace, name } = object.metadata;
  const group = object.apiVersion.includes('/') ? 'apis' : 'api';
  const scope = namespace === undefined ? '' : `/namespaces/${namespace}`;
  const plural = `${object.kind.toLowerCase().replace(/y$/, 'ie')}s`;
  return `/${group}/${object.apiVersion}${scope}/${plural}/${name}`;
}
