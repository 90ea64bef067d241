import { apiGroup, apiVersionName, type KindInfo, kinds } from '#api/kinds.ts';
import { objectSchemas } from '#api/object-schemas.ts';
import type { Result } from '#core/result.ts';
import { missingFields, type StructuralSchema } from '#core/schema-drift.ts';
import type { ApiFailure, KubeClient } from '#kube/client.ts';
import { hasCode } from '#kube/failures.ts';
import { callWithRetries } from '#kube/retry.ts';
import type { Log } from '#telemetry/log.ts';

/**
 * Compares the served CRDs with our own at start (behaviour §8): an old CRD prunes new fields from
 * every object and says nothing, so we do. Never fails: what can't be read is logged as such.
 */
export async function checkCrds(client: KubeClient, log: Log, signal: AbortSignal): Promise<void> {
  await Promise.all(
    kinds.map(async (info) => {
      const crd = `${info.plural}.${apiGroup}`;
      const path = `/apis/apiextensions.k8s.io/v1/customresourcedefinitions/${crd}`;
      const answer = await callWithRetries(
        (bounded) => client.call<ServedCrd>({ method: 'GET', path }, bounded),
        { random: Math.random },
        signal,
      );
      report(info, answer, log.child({ crd }));
    }),
  );
}

/** A log line names so many fields of one CRD; the rest are counted. */
const fieldsNamedMax = 20;

interface ServedCrd {
  readonly spec?: {
    readonly versions?: readonly {
      readonly name?: string;
      readonly schema?: { readonly openAPIV3Schema?: StructuralSchema };
    }[];
  };
}

function report(info: KindInfo, answer: Result<ServedCrd, ApiFailure>, log: Log): void {
  if (!answer.ok) {
    const { error: failure } = answer;
    if (hasCode(failure, 404)) log.error('the CRD is not installed: apply the files of crds/');
    else log.warn({ failure }, 'could not compare the served CRD with our own');
    return;
  }
  const served = answer.value.spec?.versions?.find((version) => version.name === apiVersionName);
  const own = { properties: objectSchemas(info) as Record<string, StructuralSchema> };
  const missing = missingFields(own, served?.schema?.openAPIV3Schema);
  if (missing.length === 0) return;
  const named = missing.slice(0, fieldsNamedMax);
  const more = missing.length - named.length;
  log.warn(
    { missing: named, ...(more > 0 ? { more } : {}) },
    'the served CRD is older than this operator and drops these fields: apply the files of crds/',
  );
}
