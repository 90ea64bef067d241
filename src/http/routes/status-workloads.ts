import type { FastifyInstance } from 'fastify';
import Type, { type Static } from 'typebox';
import type { WorkloadAtRisk, WorkloadImage } from '#core/monitoring/workloads.ts';
import type { WorkloadsReport } from '#core/monitoring/workloads-report.ts';
import { formatTime } from '#core/rfc3339.ts';
import type { NamespaceExists } from '#core/routing/admission.ts';
import { noNamespace } from '#http/no-namespace.ts';
import { jsonOf, type StatusAnswers } from '#http/status-answers.ts';

/** What is shown. */
export interface StatusWorkloadsPorts {
  /** The workloads at risk, of one namespace or of all. */
  readonly workloads: (namespace?: string) => Promise<WorkloadsReport>;
  readonly namespaceExists: NamespaceExists;
}

const querySchema = Type.Object(
  { namespace: Type.Optional(Type.String({ description: 'the name of a namespace' })) },
  { additionalProperties: false },
);

/** The API server is asked for so long; what it does not say counts as there. */
const lookUpTimeoutMs = 2_000;
/** Workloads in one answer: with everything down, the first of these say it all. */
const workloadsMax = 5_000;

/** `GET /status/workloads?namespace=`: what could not start again elsewhere, and why. */
export async function statusWorkloads(
  app: FastifyInstance,
  ports: StatusWorkloadsPorts & { readonly answers: StatusAnswers },
): Promise<void> {
  app.get('/status/workloads', { schema: { querystring: querySchema } }, async (request, reply) => {
    const { namespace } = request.query as Static<typeof querySchema>;
    const lookUp = AbortSignal.timeout(lookUpTimeoutMs);
    if (namespace && !(await ports.namespaceExists(namespace, lookUp))) {
      return reply.code(404).send({ error: noNamespace(namespace) });
    }
    return await ports.answers.send(reply, {
      key: `workloads of ${JSON.stringify(namespace)}`,
      make: () => jsonOf(reportPieces(ports.workloads, namespace)),
    });
  });
}

async function* reportPieces(
  read: StatusWorkloadsPorts['workloads'],
  namespace: string | undefined,
): AsyncGenerator<string> {
  const { workloads, ...counts } = await read(namespace);
  const shown = workloads.slice(0, workloadsMax).map(workloadItem);
  yield JSON.stringify({ workloads: shown, total: workloads.length, ...counts });
}

function workloadItem({ images, ...workload }: WorkloadAtRisk): object {
  return { ...workload, images: images.map(imageItem) };
}

function imageItem({ image, status, cisa, lastError, lastMonitorMs }: WorkloadImage): object {
  return {
    ...{ image, status, cisa },
    ...(lastError !== undefined && { lastError }),
    lastMonitor: lastMonitorMs === undefined ? null : formatTime(lastMonitorMs),
  };
}
