import type { Server } from 'node:http';
import websocket from '@fastify/websocket';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import Type, { type Static } from 'typebox';
import type { ActorChoice, InspectionPort } from '#core/inspection.ts';
import { type AdmitUpgrade, guardUpgrades } from './guard-upgrades.ts';
import { frameSink, type ViewerSocket } from './viewer-socket.ts';

const path = '/debug/inspect';
/** Viewers at once: each may cost some percent of a core, and few people look at the same replica. */
export const viewersMax = 16;
/** Actors that one viewer may name: more of them are chosen by what started them, or by type. */
const namedActorsMax = 16;
/** Viewers say nothing; what is larger ends the connection. */
const receivedBytesMax = 1_024;
/** How long a viewer has to close its side when the operator stops, ms. */
const goodbyeMs = 500;

const choiceExpected =
  'actor=<id> (up to 16 of them, each with its children) or type=<type>, with state=<state> or without';

const querySchema = Type.Object(
  {
    actor: Type.Optional(
      Type.Unsafe<string | readonly string[]>({
        anyOf: [
          { type: 'array', items: { type: 'string' }, maxItems: namedActorsMax },
          { type: 'string' },
        ],
        description: `an id of an actor, or up to ${namedActorsMax} of them`,
      }),
    ),
    type: Type.Optional(Type.String({ description: "the first part of actors' ids" })),
    state: Type.Optional(Type.String({ description: 'the name of a state' })),
  },
  { additionalProperties: false },
);

/** What the stream needs. */
export interface DebugInspectOptions {
  readonly inspection: InspectionPort;
  /** Who may open it. */
  readonly admit: AdmitUpgrade;
}

/**
 * `GET /debug/inspect`, upgraded to a WebSocket: frames of `@statelyai/inspect` about the actors that
 * are chosen, as text (docs/inspect.md).
 */
export async function debugInspect(
  app: FastifyInstance,
  { inspection, admit }: DebugInspectOptions,
): Promise<void> {
  const guarded = guardUpgrades(app.server, { path, admit });
  await app.register(websocket, {
    // Of a server it wants the upgrades alone.
    options: { server: guarded as Server, maxPayload: receivedBytesMax, perMessageDeflate: false },
    errorHandler: (_, socket) => socket.terminate(),
    preClose,
  });
  app.route({
    method: 'GET',
    url: path,
    schema: { querystring: querySchema },
    preHandler: async (request, reply) => {
      const refusal = refuse(app, request, inspection);
      if (refusal !== undefined) return reply.code(refusal.status).send({ error: refusal.error });
    },
    handler: async (_, reply: FastifyReply) => {
      const error = 'expected the upgrade to a WebSocket: see docs/inspect.md';
      return reply
        .code(426)
        .headers({ connection: 'upgrade', upgrade: 'websocket' })
        .send({ error });
    },
    wsHandler: (socket: ViewerSocket, request) => {
      const choice = readChoice(request);
      if (choice === undefined) throw new Error('An upgrade without a choice was let in.');
      if (app.websocketServer.clients.size > viewersMax) {
        socket.close(1013, tooMany);
        return;
      }
      const leave = inspection.watch(choice, frameSink(socket, request.raw.socket));
      socket.once('close', leave);
    },
  });
}

const tooMany = `expected at most ${viewersMax} viewers at once: ask again later`;

function refuse(app: FastifyInstance, request: FastifyRequest, inspection: InspectionPort) {
  const choice = readChoice(request);
  if (choice === undefined) {
    const error = `expected ${choiceExpected}: all actors at once are more than anybody can watch`;
    return { status: 400, error };
  }
  const missing = inspection.missing(choice);
  if (missing !== undefined) {
    const error = `actor: expected the id of an actor (see /debug/actors), got ${missing}`;
    return { status: 404, error };
  }
  const isFull = request.ws && app.websocketServer.clients.size >= viewersMax;
  return isFull ? { status: 503, error: tooMany } : undefined;
}

function readChoice(request: FastifyRequest): ActorChoice | undefined {
  const { actor, type, state } = request.query as Static<typeof querySchema>;
  const ids = actor === undefined ? [] : [actor].flat().filter((id) => id !== '');
  if (ids.length > 0) {
    return type === undefined && state === undefined ? { kind: 'ids', ids } : undefined;
  }
  return type === undefined ? undefined : { kind: 'type', type, ...(state && { state }) };
}

/** Viewers are told that the operator stops; who does not close is cut off. */
function preClose(this: FastifyInstance, done: () => void): void {
  const { websocketServer: server } = this;
  for (const viewer of server.clients) viewer.close(1001, 'the operator stops');
  const cutting = setTimeout(() => {
    for (const viewer of server.clients) viewer.terminate();
  }, goodbyeMs);
  server.close(() => {
    clearTimeout(cutting);
    done();
  });
}
