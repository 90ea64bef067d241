import type { FastifyInstance } from 'fastify';
import type { Log } from '#telemetry/log.ts';
import { createApp } from './app.ts';
import { type StatusImagesPorts, statusImages } from './routes/status-images.ts';
import { type StatusWorkloadsPorts, statusWorkloads } from './routes/status-workloads.ts';

/** What is shown at the metrics port. */
export interface MetricsPorts {
  /** The exposition text of all metrics and its content type. */
  readonly metrics: () => Promise<{ readonly contentType: string; readonly body: string }>;
  /** What monitoring knows; without it there is only `/metrics`. */
  readonly status?: StatusImagesPorts & StatusWorkloadsPorts;
  readonly log: Log;
}

const statusPaths = [
  'GET /status/images?groupBy=cisa|registry',
  'GET /status/workloads?namespace=',
];

/** `GET /metrics`: what Prometheus scrapes; `/status/…`: what is monitored, for programs. */
export function buildMetricsApp({ metrics, status, log }: MetricsPorts): FastifyInstance {
  const paths = ['GET /metrics', ...(status === undefined ? [] : statusPaths)];
  const app = createApp({ log, paths });
  app.get('/metrics', async (_request, reply) => {
    const { contentType, body } = await metrics();
    return reply.type(contentType).send(body);
  });
  if (status !== undefined) {
    app.register(statusImages, status);
    app.register(statusWorkloads, status);
  }
  return app;
}
