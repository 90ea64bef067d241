import type { ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import fastify, { type FastifyInstance, type FastifyRequest } from 'fastify';
import { replicaHeader } from '#core/replica-header.ts';
import { refusePages } from '#http/refuse-pages.ts';
import { debugPage } from '#http/routes/debug-page.ts';

/** What a path is answered; a function is asked each time. */
export type MadeUpAnswer = object | ((request: FastifyRequest) => unknown);

/** An operator that is not there: the real page in front of answers that a test writes. */
export interface MadeUpOperator {
  /** Of `/debug/`. */
  readonly url: string;
  /** By path, `/debug/overview`; a test changes them as it goes. */
  readonly answers: Map<string, MadeUpAnswer>;
  readonly app: FastifyInstance;
  /** Tells all pages that follow what happened. */
  readonly tell: (event: string, data: object) => void;
  readonly close: () => Promise<void>;
}

/** Listens on a port of its own. */
export async function startMadeUpOperator(
  given: Readonly<Record<string, MadeUpAnswer>>,
  replica = 'kuik-0',
): Promise<MadeUpOperator> {
  const answers = new Map(Object.entries(given));
  const app = fastify({ forceCloseConnections: true });
  // As the real one does: what a browser sends for the page has to be let in.
  refusePages(app, { own: { address: '127.0.0.1' }, hostOf: 'all', entrance: '/debug/' });
  app.addHook('onRequest', async (_, reply) => {
    reply.header(replicaHeader, replica);
  });
  await app.register(debugPage, { leader: () => 'kuik-0', paths: [] });
  const viewers = new Set<ServerResponse>();
  app.get('/debug/events', async (_, reply) => {
    // An answer stands for the refusal that one viewer too many gets.
    const refusal = answers.get('/debug/events');
    if (refusal !== undefined) return reply.code(503).send(refusal);
    reply.hijack();
    reply.raw.writeHead(200, { 'content-type': 'text/event-stream', [replicaHeader]: replica });
    reply.raw.write(': from now on\n\n');
    viewers.add(reply.raw);
    reply.raw.once('close', () => viewers.delete(reply.raw));
    return reply;
  });
  app.setNotFoundHandler(async (request, reply) => {
    const answer = answers.get(request.url.split('?')[0] ?? '');
    if (answer === undefined) return reply.code(404).send({ error: 'expected something else' });
    // The handler of what is not found answers 404 unless it is told otherwise.
    reply.code(200);
    return typeof answer === 'function' ? answer(request) : answer;
  });
  await app.listen({ host: '127.0.0.1', port: 0 });
  const { port } = app.server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}/debug/`,
    answers,
    app,
    tell: (event, data) => {
      for (const viewer of viewers)
        viewer.write(`event: ${event}\ndata: ${JSON.stringify(data)}\n\n`);
    },
    close: async () => await app.close(),
  };
}
