import type { FastifyInstance } from 'fastify';
import Type, { type Static } from 'typebox';
import type { WorkloadAtRisk, WorkloadImage } from '#core/monitoring/workloads.ts';
import type { WorkloadsReport } from '#core/monitoring/workloads-report.ts';
import { formatTime } from '#core/rfc3339.ts';

/** What is shown. */
export interface StatusWorkloadsPorts {
  /** The workloads at risk, of one namespace or of all. */
  readonly workloads: (namespace?: string) => Promise<WorkloadsReport>;
}

const querySchema = Type.Object(
  { namespace: Type.Optional(Type.String({ description: 'the name of a namespace' })) },
  { additionalProperties: false },
);

/** Workloads in one answer: with everything down, the first of these say it all. */
const workloadsMax = 5_000;

/** `GET /status/workloads?namespace=`: what could not start again elsewhere, and why. */
export async function statusWorkloads(
  app: FastifyInstance,
  ports: StatusWorkloadsPorts,
): Promise<void> {
  app.get('/status/workloads', { schema: { querystring: querySchema } }, async (request) => {
    const { namespace } = request.query as Static<typeof querySchema>;
    const { workloads, ...counts } = await ports.workloads(namespace);
    return {
      workloads: workloads.slice(0, workloadsMax).map(workloadItem),
      total: workloads.length,
      ...counts,
    };
  });
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
