import type { FastifyInstance } from 'fastify';
import type { ActorView } from '#core/actor-view.ts';
import type { MachineViews } from '#core/machine-view.ts';
import type { RoutingQuery } from '#core/routing/admission.ts';
import type { Log } from '#telemetry/log.ts';
import { createApp } from './app.ts';
import { debugActors } from './routes/debug-actors.ts';
import { debugMachines } from './routes/debug-machines.ts';
import { debugRoute } from './routes/debug-route.ts';
import { foreignSender } from './same-origin.ts';

/** What the debug endpoint shows. */
export interface DebugPorts {
  readonly actors: ActorView;
  readonly machines: MachineViews;
  readonly explain: RoutingQuery['explain'];
  readonly log: Log;
  /** How long `/debug/route` waits for a decision, in ms. */
  readonly answerTimeoutMs?: number;
}

const paths = [
  '/debug/actors?type=&state=&q=&limit=&cursor=',
  '/debug/actors/<id>',
  '/debug/machines',
  '/debug/machines/<id>?format=json|mermaid',
  '/debug/route?image=&namespace=&labels=&annotations=&pullSecrets=&policy=',
];

/** `/debug` (behaviour §9): looks, and changes nothing. `address` is where it listens. */
export function buildDebugApp(ports: DebugPorts, address: string): FastifyInstance {
  const app = createApp({ log: ports.log, paths: paths.map((path) => `GET ${path}`) });
  app.addHook('onRequest', async (request, reply) => {
    const { host, origin } = request.headers;
    const refusal = foreignSender({ host, origin }, address);
    if (refusal !== undefined) await reply.code(403).send({ error: refusal });
  });
  // `?type=&state=x`, as the list of paths has it: what is left empty is not asked for.
  app.addHook('preValidation', async (request) => {
    const query = request.query as Record<string, unknown>;
    for (const name of Object.keys(query)) if (query[name] === '') delete query[name];
  });
  app.get('/debug', async () => ({ leader: ports.actors.leader(), paths }));
  app.register(debugActors, ports);
  app.register(debugMachines, ports);
  app.register(debugRoute, ports);
  return app;
}
