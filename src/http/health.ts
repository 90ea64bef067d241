import type { FastifyInstance } from 'fastify';
import type { Log } from '#telemetry/log.ts';
import { createApp } from './app.ts';

/** `GET /healthz` (the process answers) and `GET /readyz` (it can route; else what it waits for). */
export function buildHealthApp(ports: HealthPorts): FastifyInstance {
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

/** What the health port asks. */
export interface HealthPorts {
  /** Read at each `/readyz`. */
  readonly readiness: () => Readiness;
  readonly log: Log;
}

/** Whether the process is ready, and what it still waits for. */
export interface Readiness {
  readonly ready: boolean;
  readonly checks: Readonly<Record<string, boolean>>;
}
