import type { FastifyInstance } from 'fastify';
import type { AccessPort } from '#core/access.ts';
import type { ActorView } from '#core/actor-view.ts';
import type { MachineViews } from '#core/machine-view.ts';
import { replicaHeader } from '#core/replica-header.ts';
import type { NamespaceExists, RoutingQuery } from '#core/routing/admission.ts';
import type { PlanResources } from '#core/routing/resource-plan.ts';
import type { WhatIf } from '#core/routing/what-if.ts';
import type { Log } from '#telemetry/log.ts';
import { createApp } from './app.ts';
import { refusePages } from './refuse-pages.ts';
import { requireBearer } from './require-bearer.ts';
import { debugActors } from './routes/debug-actors.ts';
import { type DebugCopiesPorts, debugCopies } from './routes/debug-copies.ts';
import { debugMachines } from './routes/debug-machines.ts';
import { debugPage } from './routes/debug-page.ts';
import { debugPlan } from './routes/debug-plan.ts';
import { debugRoute } from './routes/debug-route.ts';
import { debugWhatIf } from './routes/debug-what-if.ts';
import { isLoopback } from './same-origin.ts';

/** What the debug endpoint shows. */
export interface DebugPorts {
  readonly actors: ActorView;
  readonly machines: MachineViews;
  /** What mirroring is doing. */
  readonly copies?: DebugCopiesPorts;
  readonly explain: RoutingQuery['explain'];
  readonly whatIf: WhatIf;
  readonly plan: PlanResources;
  /** This process: what it knows of registries is its own. */
  readonly replica: string;
  readonly namespaceExists: NamespaceExists;
  /** Who may look where others than this machine reach it. */
  readonly access: AccessPort;
  readonly log: Log;
  /** How long `/debug/route` waits for a decision, in ms. */
  readonly answerTimeoutMs?: number;
}

/** Where the debug endpoint listens, and by which names it is asked. */
export interface DebugOptions {
  readonly address: string;
  /** `--debug-host`. */
  readonly hosts: readonly string[];
}

const lookPaths = [
  '/debug/actors?type=&state=&q=&since=&limit=&cursor=',
  '/debug/actors/<id>',
  '/debug/machines',
  '/debug/machines/<id>?format=json|mermaid',
  '/debug/route?image=&namespace=&labels=&annotations=&pullSecrets=&policy=',
  '/debug/what-if?registry=',
];

/** `/debug` (behaviour §9): looks, and changes nothing. */
export function buildDebugApp(ports: DebugPorts, options: DebugOptions): FastifyInstance {
  const { copies } = ports;
  const paths = copies === undefined ? lookPaths : [...lookPaths, '/debug/copies'];
  const app = createApp({ log: ports.log, paths: paths.map((path) => `GET ${path}`) });
  refusePages(app, { own: options, hostOf: 'all', entrance: '/debug/' });
  if (!isLoopback(options.address)) requireBearer(app, ports.access);
  app.addHook('onRequest', async (_, reply) => {
    reply.header(replicaHeader, ports.replica);
  });
  // `?type=&state=x`, as the list of paths has it: what is left empty is not asked for.
  app.addHook('preValidation', async (request) => {
    const query = request.query as Record<string, unknown>;
    for (const name of Object.keys(query)) if (query[name] === '') delete query[name];
  });
  app.register(debugPage, { leader: ports.actors.leader, paths });
  app.register(debugActors, ports);
  app.register(debugMachines, ports);
  app.register(debugRoute, ports);
  app.register(debugWhatIf, ports);
  app.register(debugPlan, ports);
  if (copies !== undefined) app.register(debugCopies, copies);
  return app;
}
