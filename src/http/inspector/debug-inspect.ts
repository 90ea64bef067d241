import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import type { FastifyInstance } from 'fastify';
import { type WebSocket, WebSocketServer } from 'ws';
import type { ActorChoice, InspectionPort } from '#core/inspection.ts';
import { fail, type Result, succeed } from '#core/result.ts';
import type { Refusal } from '#http/require-bearer.ts';
import { type AdmitUpgrade, guardUpgrades } from './guard-upgrades.ts';
import { closeViewer, frameSink } from './viewer-socket.ts';

const path = '/debug/inspect';
/** Viewers at once: each may cost some percent of a core, and few people look at the same replica. */
export const viewersMax = 16;
/** Actors that one viewer may name: more of them are chosen by what started them, or by type. */
const namedActorsMax = 16;
/** Viewers say nothing; what is larger ends the connection. */
const receivedBytesMax = 1_024;
/** A stream may be open for days: a right that was taken away ends it after so long. */
const lookAgainMsDefault = 60_000;
/** How long a viewer has to close its side when the operator stops, ms. */
const goodbyeMs = 500;

const choiceExpected =
  'actor=<id> (up to 16 of them, each with its children) or type=<type>, with state=<state> or without';

/** What the stream needs. */
export interface DebugInspectOptions {
  readonly inspection: InspectionPort;
  /** Who may open it. */
  readonly admit: AdmitUpgrade;
  /** How often is looked whether a viewer may still look, ms. */
  readonly lookAgainMs?: number;
}

/**
 * `GET /debug/inspect`, upgraded to a WebSocket: frames of `@statelyai/inspect` about the actors that
 * are chosen, as text (docs/inspect.md).
 */
export async function debugInspect(
  app: FastifyInstance,
  { inspection, admit, lookAgainMs = lookAgainMsDefault }: DebugInspectOptions,
): Promise<void> {
  const server = new WebSocketServer({
    ...{ noServer: true, maxPayload: receivedBytesMax, perMessageDeflate: false },
  });
  const refuse = (url = '') => {
    const asked = readQuestion(url, inspection);
    if (!asked.ok) return asked.error;
    return server.clients.size >= viewersMax ? refusal(503, tooMany) : undefined;
  };
  const guarded = guardUpgrades(app.server, {
    ...{ path, admit },
    refuse: ({ url }) => refuse(url),
  });
  guarded.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    server.handleUpgrade(request, socket, head, (viewer) => {
      const asked = readQuestion(request.url ?? '', inspection);
      // Others were let in, or an actor went, while this one was asked who it is.
      if (!asked.ok || server.clients.size > viewersMax) {
        closeViewer(viewer, 1013, asked.ok ? tooMany : asked.error.error);
        return;
      }
      const leave = inspection.watch(asked.value, frameSink(viewer, request.socket));
      const looking = setInterval(() => void lookAgain(viewer, admit(request)), lookAgainMs);
      viewer.once('close', () => clearInterval(looking));
      // What is said wrongly ends the connection, and that is all there is to it.
      viewer.once('error', () => viewer.terminate());
      viewer.once('close', leave);
    });
  });
  app.addHook('preClose', (done) => sayGoodbye(server, done));
  app.get(path, async (request, reply) => {
    const refused = refuse(request.url);
    if (refused !== undefined) return reply.code(refused.status).send({ error: refused.error });
    reply.code(426).headers({ connection: 'upgrade', upgrade: 'websocket' });
    return reply.send({ error: noUpgrade });
  });
}

const tooMany = `expected at most ${viewersMax} viewers at once: ask again later`;
const noUpgrade = 'expected the upgrade to a WebSocket: see docs/inspect.md';

function refusal(status: Refusal['status'], error: string): Refusal {
  return { status, error, headers: {} };
}

/** Which actors are asked for, if they are there. */
function readQuestion(url: string, inspection: InspectionPort): Result<ActorChoice, Refusal> {
  const choice = readChoice(new URL(url, 'http://operator').searchParams);
  if (!choice.ok) return fail(refusal(400, choice.error));
  const missing = inspection.missing(choice.value);
  if (missing === undefined) return choice;
  const error = `actor: expected the id of an actor (see /debug/actors), got ${missing}`;
  return fail(refusal(404, error));
}

/** `?actor=&type=x`, as the list of paths has it: what is left empty is not asked for. */
function readChoice(query: URLSearchParams): Result<ActorChoice, string> {
  const asked = [...query].filter(([, value]) => value !== '');
  const unknown = [...query.keys()].find((name) => !names.includes(name));
  if (unknown !== undefined) {
    return fail(`expected one of the parameters ${names.join(', ')}, got ${unknown.slice(0, 100)}`);
  }
  const valuesOf = (name: string) => asked.flatMap(([key, value]) => (key === name ? value : []));
  const [ids, types, states] = [valuesOf('actor'), valuesOf('type'), valuesOf('state')];
  if (ids.length > namedActorsMax) {
    return fail(`actor: expected ${namedActorsMax} ids at most, got ${ids.length}`);
  }
  const [[type, ...more], [state]] = [types, states];
  if (ids.length > 0 && type === undefined && state === undefined) {
    return succeed({ kind: 'ids', ids });
  }
  if (ids.length > 0 || type === undefined || more.length > 0 || states.length > 1) {
    return fail(`expected ${choiceExpected}: all actors at once are more than anybody can watch`);
  }
  return succeed({ kind: 'type', type, ...(state !== undefined && { state }) });
}

const names: readonly string[] = ['actor', 'type', 'state'];

/** Ends the stream of somebody who may not look any more; where nobody can be asked it goes on. */
async function lookAgain(viewer: WebSocket, admitting: ReturnType<AdmitUpgrade>): Promise<void> {
  const refused = await admitting;
  if (refused !== undefined && refused.status !== 503) closeViewer(viewer, 1008, refused.error);
}

/** Viewers are told that the operator stops; who does not close is cut off. */
function sayGoodbye(server: WebSocketServer, done: () => void): void {
  for (const viewer of server.clients) viewer.close(1001, 'the operator stops');
  const cutting = setTimeout(() => {
    for (const viewer of server.clients) viewer.terminate();
  }, goodbyeMs);
  server.close(() => {
    clearTimeout(cutting);
    done();
  });
}
