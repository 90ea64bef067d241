import type { FastifyInstance } from 'fastify';
import type { Log } from '#telemetry/log.ts';
import { createApp } from './app.ts';

/** `GET /healthz` (the process answers, and nothing that it needs is stuck) and `GET /readyz` (it can route; else what it waits for). */
export function buildHealthApp(ports: HealthPorts): FastifyInstance {
  const app = createApp({ log: ports.log, paths: ['GET /healthz', 'GET /readyz'] });
  app.get('/healthz', async (_request, reply) => {
    const stuck = ports.stuck();
    if (stuck.length === 0) return { ok: true };
    // Whoever restarts the process for it leaves the log as the only trace.
    ports.log.error({ stuck }, 'a part that the process cannot live without is stuck');
    return reply.code(503).send({ ok: false, stuck });
  });
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
  /** Read at each `/healthz`: what is stuck, and why. */
  readonly stuck: () => readonly string[];
  readonly log: Log;
}

/** Whether the process is ready, and what it still waits for. */
export interface Readiness {
  readonly ready: boolean;
  readonly checks: Readonly<Record<string, boolean>>;
}
