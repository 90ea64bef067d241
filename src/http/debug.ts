import type { FastifyInstance } from 'fastify';
import type { AccessPort } from '#core/access.ts';
import type { ActorView } from '#core/actor-view.ts';
import type { InsightPort } from '#core/insight/insight.ts';
import type { InspectionPort } from '#core/inspection.ts';
import type { MachineViews } from '#core/machine-view.ts';
import { replicaHeader } from '#core/replica-header.ts';
import type { NamespaceExists, RoutingQuery } from '#core/routing/admission.ts';
import type { PlanResources } from '#core/routing/resource-plan.ts';
import type { WhatIf } from '#core/routing/what-if.ts';
import type { Log } from '#telemetry/log.ts';
import { createApp } from './app.ts';
import { debugInspect } from './inspector/debug-inspect.ts';
import { debugStately } from './inspector/debug-stately.ts';
import type { AdmitUpgrade } from './inspector/guard-upgrades.ts';
import { type PageOptions, pageRefusal, refusePages } from './refuse-pages.ts';
import { type BearerCheck, bearerCheck, requireBearer } from './require-bearer.ts';
import { debugActors } from './routes/debug-actors.ts';
import { type DebugCopiesPorts, debugCopies } from './routes/debug-copies.ts';
import { debugInsight } from './routes/debug-insight.ts';
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
  /** What the page shows. */
  readonly insight?: InsightPort;
  /** Frames of actors, for viewers that watch them live. */
  readonly inspection?: InspectionPort;
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
  /** `--debug-stately-url`; without it no page frames anything. */
  readonly statelyUrl?: string | undefined;
}

const lookPaths = [
  '/debug/actors?type=&state=&q=&since=&limit=&offset=&cursor=',
  '/debug/actors/<id>',
  '/debug/machines',
  '/debug/machines/<id>?format=json|mermaid|svg|studio',
  '/debug/route?image=&namespace=&labels=&annotations=&pullSecrets=&policy=',
  '/debug/what-if?registry=',
  '/debug/inspect?actor=&type=&state=',
];

const insightPaths = [
  '/debug/overview',
  '/debug/map',
  '/debug/timeline',
  '/debug/decisions?after=&q=&limit=',
  '/debug/pods?namespace=&q=&registry=&limit=&offset=&cursor=',
  '/debug/pods/<namespace>/<name>',
  '/debug/events',
];

/** `/debug` (behaviour §9): looks, and changes nothing. */
export function buildDebugApp(ports: DebugPorts, options: DebugOptions): FastifyInstance {
  const { copies, insight } = ports;
  const paths = [
    ...lookPaths,
    ...(insight === undefined ? [] : insightPaths),
    ...(copies === undefined ? [] : ['/debug/copies']),
    ...(options.statelyUrl === undefined ? [] : ['/debug/stately?actor=&type=&state=']),
  ];
  const app = createApp({ log: ports.log, paths: paths.map((path) => `GET ${path}`) });
  const pages: PageOptions = { own: options, hostOf: 'all', entrance: '/debug/' };
  const check = isLoopback(options.address) ? undefined : bearerCheck(ports.access);
  refusePages(app, pages);
  if (check !== undefined) requireBearer(app, check);
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
  if (insight !== undefined) app.register(debugInsight, { insight, replica: ports.replica });
  if (ports.inspection !== undefined) {
    const { inspection } = ports;
    app.register(debugInspect, { inspection, admit: admitUpgrade(pages, check) });
    const { statelyUrl: url } = options;
    if (url !== undefined) app.register(debugStately, { url, replica: ports.replica });
  }
  return app;
}

/** The same as the hooks above say of requests, for what hooks may not see. */
function admitUpgrade(pages: PageOptions, check: BearerCheck | undefined): AdmitUpgrade {
  return async (request) => {
    const error = pageRefusal(request, pages);
    if (error !== undefined) return { status: 403, error, headers: {} };
    return await check?.(request.headers.authorization);
  };
}
