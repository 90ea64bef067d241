import type { FastifyInstance } from 'fastify';
import type { Log } from '#telemetry/log.ts';
import { createApp } from './app.ts';
import type { ReadinessPort } from './ports.ts';

/** `GET /healthz` (the process answers) and `GET /readyz` (it can route; else what it waits for). */
export function buildHealthApp(ports: {
  readonly readiness: ReadinessPort;
  readonly log: Log;
}): FastifyInstance {
  const app = createApp({ log: ports.log, paths: ['GET /healthz', 'GET /readyz'] });
  app.get('/healthz', async () => ({ ok: true }));
  app.get('/readyz', async (_request, reply) => {
    const readiness = ports.readiness();
    const waitingFor = Object.entries(readiness.checks).flatMap(([name, done]) =>
      done ? [] : [name],
    );
    return reply.code(readiness.ready ? 200 : 503).send({ ...readiness, waitingFor });
  });
  return app;
}
