import fastify, { type FastifyError, type FastifyInstance, type FastifyRequest } from 'fastify';
import type { Log } from '#telemetry/log.ts';

/** What every app here is built with. */
export interface AppOptions {
  /** Faults of our own go here; what a client got wrong is told to the client. */
  readonly log: Log;
  /** Paths that exist, for whoever asks for another. */
  readonly paths: readonly string[];
}

/** None of these apps takes a body, but for the webhook, which reads its own. */
const bodyBytesMax = 16_384;
/** The ids of actors hold image references (runtime facts, 9). */
const parameterCharactersMax = 2_048;

/** An app whose every error is JSON `{error}` that says what was expected and what came. */
export function createApp({ log, paths }: AppOptions): FastifyInstance {
  const app = fastify({
    bodyLimit: bodyBytesMax,
    // A Pod may have a label called __proto__; nothing here merges what it reads.
    onProtoPoisoning: 'ignore',
    onConstructorPoisoning: 'ignore',
    routerOptions: { maxParamLength: parameterCharactersMax },
    ajv: { customOptions: { removeAdditional: false, coerceTypes: true, allErrors: false } },
    // A URL that can't be decoded never gets as far as the error handler.
    frameworkErrors: (error, _request, reply) => {
      reply.raw.writeHead(error.statusCode ?? 400, { 'content-type': 'application/json' });
      reply.raw.end(JSON.stringify({ error: error.message }));
    },
  });
  app.setErrorHandler((error: FastifyError, request, reply) => {
    const status = error.statusCode ?? 500;
    if (status < 500)
      return reply.code(status).send({ error: describeClientError(error, request) });
    log.error({ err: error, path: request.routeOptions.url }, 'A request failed.');
    return reply
      .code(500)
      .send({ error: 'expected to answer, got a fault of our own: see the log' });
  });
  app.setNotFoundHandler((request, reply) => {
    const got = `${request.method} ${request.url.slice(0, 200)}`;
    return reply.code(404).send({ error: `expected ${paths.join(', ')}, got ${got}` });
  });
  return app;
}

function describeClientError(error: FastifyError, request: FastifyRequest): string {
  const [fault] = error.validation ?? [];
  if (fault === undefined) return error.message;
  const query = request.query as Readonly<Record<string, unknown>>;
  if (fault.keyword === 'additionalProperties') {
    const name = String(fault.params['additionalProperty']);
    const schema = request.routeOptions.schema?.querystring as QuerySchema | undefined;
    return `expected one of the parameters ${Object.keys(schema?.properties ?? {}).join(', ')}, got ${name}`;
  }
  const missing = fault.params['missingProperty'];
  const name = typeof missing === 'string' ? missing : fault.instancePath.slice(1);
  const schema = request.routeOptions.schema?.querystring as QuerySchema | undefined;
  const expected = schema?.properties?.[name]?.description ?? fault.message ?? 'something else';
  const got = JSON.stringify(query[name]) ?? 'nothing';
  return `${name}: expected ${expected}, got ${got.slice(0, 200)}`;
}

/** A query's schema; each description completes "expected …". */
interface QuerySchema {
  readonly properties?: Readonly<Record<string, { readonly description?: string }>>;
}
