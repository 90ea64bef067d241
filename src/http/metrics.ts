import type { FastifyInstance } from 'fastify';
import type { Log } from '#telemetry/log.ts';
import { createApp } from './app.ts';
import type { MetricsPort } from './ports.ts';

/** `GET /metrics`: what Prometheus scrapes. `/status/images` joins it with monitoring. */
export function buildMetricsApp(ports: {
  readonly metrics: MetricsPort;
  readonly log: Log;
}): FastifyInstance {
  const app = createApp({ log: ports.log, paths: ['GET /metrics'] });
  app.get('/metrics', async (_request, reply) => {
    const { contentType, body } = await ports.metrics();
    return reply.type(contentType).send(body);
  });
  return app;
}
