import type { FastifyInstance } from 'fastify';
import { apiVersion, type KuikResource, kinds } from '#api/kinds.ts';
import { isObject } from '#core/json.ts';
import { fail, mapUntilFailure, type Result, succeed } from '#core/result.ts';
import type { PlanResources } from '#core/routing/resource-plan.ts';
import { readStoredResource } from '#core/stored-resource.ts';

/** The API server takes no larger object; several small ones come together. */
const bodyBytesMax = 2_097_152;
/** Resources that are planned together. */
const resourcesMax = 50;
/** What is not known by then is counted; the command waits a little longer. */
const answerWithinMs = 12_000;

/** What the route asks, and whose registries it knows. */
export interface DebugPlanPorts {
  readonly plan: PlanResources;
  /** This process: each replica has registries of its own. */
  readonly replica: string;
}

/** `POST /debug/plan`: what resources would do, were they applied; nothing is changed by asking. */
export async function debugPlan(
  app: FastifyInstance,
  { plan, replica }: DebugPlanPorts,
): Promise<void> {
  app.post('/debug/plan', { bodyLimit: bodyBytesMax }, async (request, reply) => {
    const resources = readResources(request.body);
    if (!resources.ok) return reply.code(400).send({ error: resources.error });
    return { replica, ...(await plan(resources.value, AbortSignal.timeout(answerWithinMs))) };
  });
}

function readResources(body: unknown): Result<readonly KuikResource[], string> {
  const list: unknown = isObject(body) ? body['resources'] : undefined;
  if (!Array.isArray(list) || list.length === 0 || list.length > resourcesMax) {
    return fail(`resources: expected a list of 1 to ${resourcesMax} resources`);
  }
  return mapUntilFailure(list, readResource);
}

function readResource(object: unknown): Result<KuikResource, string> {
  const known = kinds.find(({ kind }) => isObject(object) && object['kind'] === kind);
  if (!isObject(object) || known === undefined || object['apiVersion'] !== apiVersion) {
    return fail(`resources: expected objects of the five kinds of ${apiVersion}`);
  }
  const metadata = isObject(object['metadata']) ? object['metadata'] : {};
  const { name, namespace } = metadata;
  if (typeof name !== 'string') return fail('metadata.name: expected the name of the resource');
  const place =
    known.scope === 'Namespaced'
      ? { name, namespace: typeof namespace === 'string' ? namespace : 'default' }
      : { name };
  const { spec } = object;
  return succeed(
    readStoredResource(known.kind, { apiVersion, kind: known.kind, metadata: place, spec }),
  );
}
