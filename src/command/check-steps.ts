import { leaseName } from '#actors/leader/leadership.ts';
import { apiGroup, apiVersionName, type KuikResource, kinds, resourceName } from '#api/kinds.ts';
import { objectSchemas } from '#api/object-schemas.ts';
import type { Result } from '#core/result.ts';
import { REACH_CHECK, reachedPrefix } from '#core/routing/annotations.ts';
import { missingFields, type StructuralSchema } from '#core/schema-drift.ts';
import type { ApiFailure, KubeClient } from '#kube/client.ts';
import { hasCode } from '#kube/failures.ts';
import { resourcePath } from '#kube/paths.ts';
import { certificateFindings, registryFindings } from './check-metrics.ts';
import { type Finding, failed, ok, warning } from './finding.ts';
import { neededRights, type Right } from './needed-rights.ts';

/** Which installation is looked at, and how. */
export interface CheckedInstallation {
  readonly client: Pick<KubeClient, 'call' | 'server'>;
  readonly namespace: string;
  readonly webhookConfiguration: string;
  /** Whose rights are looked at; those of whoever asks unless told. */
  readonly serviceAccount?: string | undefined;
  /** Where a Pod is created on a dry run; the operator's own is spared by its webhook. */
  readonly probeNamespace: string;
  /** `/metrics` of an operator, or why it could not be read. */
  readonly metrics: () => Promise<Result<string, string>>;
  readonly now: () => number;
}

type Look = (installation: CheckedInstallation, signal: AbortSignal) => Promise<readonly Finding[]>;

/** In the order in which one stands on the other. */
export const checkSteps: readonly Look[] = [
  lookAtServer,
  lookAtDefinitions,
  lookAtRights,
  lookAtWebhook,
  lookAtReach,
  lookAtLease,
  lookAtMetrics,
  lookAtResources,
];

/** Without an answer there is nothing else to look at. */
async function lookAtServer({ client }: CheckedInstallation, signal: AbortSignal) {
  const answer = await client.call<{ readonly gitVersion?: string }>(
    { method: 'GET', path: '/version' },
    signal,
  );
  if (!answer.ok) return [failed('API server', `${client.server}: ${answer.error.message}`)];
  return [ok('API server', `${client.server} answers (${answer.value.gitVersion ?? 'unknown'})`)];
}

interface ServedDefinition {
  readonly spec?: {
    readonly versions?: readonly {
      readonly name?: string;
      readonly schema?: { readonly openAPIV3Schema?: StructuralSchema };
    }[];
  };
}

/** A definition that is older drops new fields, and says nothing. */
async function lookAtDefinitions({ client }: CheckedInstallation, signal: AbortSignal) {
  const findings = await Promise.all(
    kinds.map(async (info) => {
      const name = `${info.plural}.${apiGroup}`;
      const place = { group: 'apiextensions.k8s.io', version: 'v1', name };
      const path = resourcePath({ ...place, plural: 'customresourcedefinitions' });
      const answer = await client.call<ServedDefinition>({ method: 'GET', path }, signal);
      if (!answer.ok) return [definitionFault(name, answer.error)];
      const served = answer.value.spec?.versions?.find((one) => one.name === apiVersionName);
      const own = { properties: objectSchemas(info) as Record<string, StructuralSchema> };
      const missing = missingFields(own, served?.schema?.openAPIV3Schema);
      if (missing.length === 0) return [];
      const fields = `${missing.slice(0, 3).join(', ')}${missing.length > 3 ? ', …' : ''}`;
      return [warning('definitions', `${name} is older than this program and drops ${fields}`)];
    }),
  );
  const problems = findings.flat();
  return problems.length > 0
    ? problems
    : [ok('definitions', 'all five are served as they are here')];
}

function definitionFault(name: string, failure: ApiFailure): Finding {
  if (!hasCode(failure, 404)) return warning('definitions', `${name}: ${failure.message}`);
  return failed('definitions', `${name} is not there: kubectl apply -f crds/`);
}

/** What the operator may do: in its Pod it asks for itself, elsewhere it is named. */
async function lookAtRights(installation: CheckedInstallation, signal: AbortSignal) {
  const asked = neededRights(installation);
  const refused = await Promise.all(
    asked.map(async (right) => ((await mayDo(installation, right, signal)) ? [] : [right])),
  );
  const lacking = refused.flat().map(({ verb, group, plural, subresource, purpose }) => {
    const what = [plural, subresource].filter(Boolean).join('/');
    return warning('rights', `may not ${verb} ${what}${group && `.${group}`}: ${purpose}`);
  });
  if (lacking.length > 0) return lacking;
  return [ok('rights', `${asked.length} that the operator needs are there`)];
}

async function mayDo(
  { client, namespace: own, serviceAccount }: CheckedInstallation,
  { verb, group, plural, subresource, namespace, name }: Right,
  signal: AbortSignal,
): Promise<boolean> {
  const resourceAttributes = { verb, group, resource: plural, subresource, namespace, name };
  const isOwn = serviceAccount === undefined;
  const groups = ['system:authenticated', 'system:serviceaccounts'];
  const kind = isOwn ? 'SelfSubjectAccessReview' : 'SubjectAccessReview';
  const who = !isOwn && { user: `system:serviceaccount:${own}:${serviceAccount}`, groups };
  const answer = await client.call<{ readonly status?: { readonly allowed?: boolean } }>(
    {
      method: 'POST',
      path: `/apis/authorization.k8s.io/v1/${kind.toLowerCase()}s`,
      body: {
        ...{ apiVersion: 'authorization.k8s.io/v1', kind },
        spec: { resourceAttributes, ...who },
      },
    },
    signal,
  );
  return answer.ok && answer.value.status?.allowed === true;
}

interface WebhookConfiguration {
  readonly webhooks?: readonly {
    readonly failurePolicy?: string;
    readonly clientConfig?: { readonly caBundle?: string };
  }[];
}

async function lookAtWebhook(
  { client, webhookConfiguration: name }: CheckedInstallation,
  signal: AbortSignal,
) {
  const check = 'webhook configuration';
  const group = 'admissionregistration.k8s.io';
  const place = { group, version: 'v1', plural: 'mutatingwebhookconfigurations', name };
  const answer = await client.call<WebhookConfiguration>(
    { method: 'GET', path: resourcePath(place) },
    signal,
  );
  if (!answer.ok) {
    const why = hasCode(answer.error, 404)
      ? 'is not there: no Pod is routed'
      : answer.error.message;
    return [failed(check, `${name} ${why}`)];
  }
  const [webhook] = answer.value.webhooks ?? [];
  if (!webhook?.clientConfig?.caBundle) {
    return [failed(check, `${name} has no caBundle yet: an operator that is ready writes it`)];
  }
  if (webhook.failurePolicy !== 'Ignore') {
    return [
      warning(check, `${name} has the failurePolicy ${webhook.failurePolicy}: Pods may fail`),
    ];
  }
  return [ok(check, `${name} is there, and trusts a certificate`)];
}

/** A Pod that is never stored: the answer has the operator's own words, if it was asked. */
async function lookAtReach(
  { client, probeNamespace: namespace }: CheckedInstallation,
  signal: AbortSignal,
) {
  const check = 'reviews';
  const place = { group: '', version: 'v1', plural: 'pods', namespace };
  const warnings: string[] = [];
  const answer = await client.call(
    {
      ...{ method: 'POST', path: resourcePath(place), query: { dryRun: 'All' } },
      body: {
        ...{ apiVersion: 'v1', kind: 'Pod' },
        metadata: { generateName: 'kuik-check-', annotations: { [REACH_CHECK]: 'true' } },
        spec: { containers: [{ name: 'check', image: 'kuik.invalid/check:1' }] },
      },
      onWarning: (text) => warnings.push(text),
    },
    signal,
  );
  if (!answer.ok) {
    const why = hasCode(answer.error, 403)
      ? `whoever asks may not create Pods in ${namespace}, not even on a dry run`
      : answer.error.message;
    return [warning(check, `not tried: ${why}`)];
  }
  const reached = warnings.find((text) => text.startsWith(reachedPrefix));
  if (reached === undefined) {
    return [failed(check, `the API server does not reach the webhook for Pods of ${namespace}`)];
  }
  return [
    ok(check, `those of ${namespace} are answered by ${reached.slice(reachedPrefix.length)}`),
  ];
}

interface Lease {
  readonly spec?: {
    readonly holderIdentity?: string;
    readonly renewTime?: string;
    readonly leaseDurationSeconds?: number;
  };
}

async function lookAtLease({ client, namespace, now }: CheckedInstallation, signal: AbortSignal) {
  const place = { group: 'coordination.k8s.io', version: 'v1', plural: 'leases', namespace };
  const path = resourcePath({ ...place, name: leaseName });
  const answer = await client.call<Lease>({ method: 'GET', path }, signal);
  if (!answer.ok && !hasCode(answer.error, 404)) {
    return [warning('leader', answer.error.message)];
  }
  const nobody = `nobody leads in ${namespace}: nothing is checked, copied or written`;
  const {
    holderIdentity = '',
    renewTime,
    leaseDurationSeconds = 15,
  } = answer.ok ? (answer.value.spec ?? {}) : {};
  if (holderIdentity === '') return [failed('leader', nobody)];
  const silentS = Math.round((now() - Date.parse(renewTime ?? '')) / 1_000);
  if (!(silentS <= leaseDurationSeconds)) {
    return [failed('leader', `${holderIdentity} has been silent for ${silentS} s: ${nobody}`)];
  }
  return [ok('leader', `${holderIdentity} leads`)];
}

/** What a replica says of its certificate and of the registries. */
async function lookAtMetrics({ metrics, now }: CheckedInstallation) {
  const answer = await metrics();
  if (!answer.ok) return [warning('replica', `not asked: ${answer.error}`)];
  return [...certificateFindings(answer.value, now()), ...registryFindings(answer.value)];
}

/** Resources that cannot work, and those that nothing matches. */
async function lookAtResources({ client }: CheckedInstallation, signal: AbortSignal) {
  const findings: Finding[] = [];
  let count = 0;
  for (const { kind, plural } of kinds) {
    const path = resourcePath({ group: apiGroup, version: apiVersionName, plural });
    const query = { limit: resourcesMax };
    const answer = await client.call<{ readonly items: readonly KuikResource[] }>(
      { method: 'GET', path, query },
      signal,
    );
    if (!answer.ok) findings.push(warning('resources', `${plural}: ${answer.error.message}`));
    for (const item of answer.ok ? answer.value.items : []) {
      count += 1;
      findings.push(...readyFindings({ ...item, kind } as KuikResource));
    }
  }
  if (count === 0) return [warning('resources', 'there is none yet: Pods keep their images')];
  return findings.length > 0 ? findings : [ok('resources', `${count} are ready`)];
}

/** Of one kind; more of them are for `kubectl get`. */
const resourcesMax = 500;

function readyFindings(resource: KuikResource): readonly Finding[] {
  const conditions = resource.status?.conditions ?? [];
  const ready = conditions.find(({ type }) => type === 'Ready');
  const name = resourceName(resource);
  if (ready === undefined) return [warning('resources', `${name}: nobody has looked at it yet`)];
  const { reason, message } = ready;
  if (reason === 'Ready') {
    // It can work, and has nothing to do; the message has the image that comes nearest.
    return resource.status?.imageCount === 0
      ? [warning('resources', `${name} matches no image in use: ${message}`)]
      : [];
  }
  const isFault = ready.status === 'False';
  return [(isFault ? failed : warning)('resources', `${name}: ${reason}: ${message}`)];
}
