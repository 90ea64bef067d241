import { apiGroup, apiVersionName, type KindInfo, kinds } from '#api/kinds.ts';
import { objectSchemas } from '#api/object-schemas.ts';
import { missingFields, type StructuralSchema } from '#core/schema-drift.ts';
import type { KubeClient } from '#kube/client.ts';
import { callWithRetries } from '#kube/retry.ts';
import type { Log } from '#telemetry/log.ts';

/** What one CRD of the cluster lacks beside our own; empty when it lacks nothing. */
export interface CrdFinding {
  /** `clusterimagesetmirrors.kuik.enix.io`. */
  readonly name: string;
  /** The CRD is not there at all. */
  readonly absent: boolean;
  /** Field paths that the API server would drop from objects without a word. */
  readonly missing: readonly string[];
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

/**
 * Compares the served CRDs with our own at start (behaviour §8): an old CRD prunes new fields from
 * every object and says nothing, so we do. Never fails: what can't be read is logged as such.
 */
export async function checkCrds(
  client: KubeClient,
  log: Log,
  signal: AbortSignal,
): Promise<readonly CrdFinding[]> {
  const checked = kinds.map((info) => checkOne(info, { client, log, signal }));
  const findings = (await Promise.all(checked)).filter((finding) => finding !== undefined);
  for (const finding of findings) report(finding, log);
  return findings;
}

interface Means {
  readonly client: KubeClient;
  readonly log: Log;
  readonly signal: AbortSignal;
}

async function checkOne(
  info: KindInfo,
  { client, log, signal }: Means,
): Promise<CrdFinding | undefined> {
  const name = `${info.plural}.${apiGroup}`;
  const path = `/apis/apiextensions.k8s.io/v1/customresourcedefinitions/${name}`;
  const answer = await callWithRetries(
    (bounded) => client.call<ServedCrd>({ method: 'GET', path }, bounded),
    { random: Math.random },
    signal,
  );
  if (answer.ok) {
    const served = answer.value.spec?.versions?.find((version) => version.name === apiVersionName);
    const own = { properties: objectSchemas(info) as Record<string, StructuralSchema> };
    const missing = missingFields(own, served?.schema?.openAPIV3Schema);
    return missing.length === 0 ? undefined : { name, absent: false, missing };
  }
  if (answer.error.kind === 'status' && answer.error.code === 404) {
    return { name, absent: true, missing: [] };
  }
  log.warn({ crd: name, failure: answer.error }, 'could not compare the served CRD with our own');
  return undefined;
}

function report({ name, absent, missing }: CrdFinding, log: Log): void {
  if (absent) {
    log.error({ crd: name }, 'the CRD is not installed: apply the files of crds/');
    return;
  }
  const named = missing.slice(0, fieldsNamedMax);
  const more = missing.length - named.length;
  log.warn(
    { crd: name, missing: named, ...(more > 0 ? { more } : {}) },
    'the served CRD is older than this operator and drops these fields: apply the files of crds/',
  );
}
