import type { FastifyInstance, FastifyReply } from 'fastify';
import Type, { type Static } from 'typebox';
import type { InsightPort } from '#core/insight/insight.ts';
import { jsonAnswer, StatusAnswers } from '#http/status-answers.ts';
import { debugEvents } from './debug-events.ts';

/** A page that a person scrolls through. */
const limitDefault = 200;
/** A namespace, a name, an image. */
const textCharactersMax = 1_024;
/** A story asks registries about each container, as a review does. */
const storyWithinMs = 10_000;

const limit = Type.Optional(
  Type.Integer({
    minimum: 1,
    maximum: limitDefault,
    description: `a number from 1 to ${limitDefault}`,
  }),
);
const text = (description: string) =>
  Type.Optional(Type.String({ maxLength: textCharactersMax, description }));

const podsQuery = Type.Object(
  {
    namespace: text('a namespace'),
    q: text('a part of namespace/name'),
    registry: text('the host of a registry that a Pod runs an image from'),
    limit,
    offset: Type.Optional(
      Type.Integer({ minimum: 0, description: 'how many to leave out before the page' }),
    ),
    cursor: text('the `next` of the page before'),
  },
  { additionalProperties: false },
);

const decisionsQuery = Type.Object(
  {
    after: Type.Optional(Type.Integer({ minimum: 0, description: 'the id of a decision' })),
    q: text('a part of a Pod, an image or who proposed it'),
    limit,
  },
  { additionalProperties: false },
);

/** What the routes ask, and whose answer it is. */
export interface DebugInsightPorts {
  readonly insight: InsightPort;
  /** This process: circuits and decisions are each replica's own. */
  readonly replica: string;
}

/** `GET /debug/overview`, `map`, `timeline`, `decisions`, `pods` and `events` (docs/debug.md). */
export async function debugInsight(
  app: FastifyInstance,
  { insight, replica }: DebugInsightPorts,
): Promise<void> {
  const answers = new StatusAnswers({ keeps: true });
  const send = async (reply: FastifyReply, key: string, make: () => object | Promise<object>) =>
    await answers.send(reply, {
      key,
      make: async () => jsonAnswer({ replica, ...(await make()) }),
    });
  app.get('/debug/overview', (_, reply) => send(reply, 'overview', insight.overview));
  app.get('/debug/map', (_, reply) => send(reply, 'map', insight.map));
  app.get('/debug/timeline', (_, reply) => send(reply, 'timeline', insight.timeline));
  app.get('/debug/decisions', { schema: { querystring: decisionsQuery } }, (request, reply) => {
    const query = request.query as Static<typeof decisionsQuery>;
    const asked = { limit: limitDefault, ...query };
    return send(reply, JSON.stringify(['decisions', asked]), () => insight.decisions(asked));
  });
  app.get('/debug/pods', { schema: { querystring: podsQuery } }, (request, reply) => {
    const query = request.query as Static<typeof podsQuery>;
    const asked = { limit: limitDefault, ...query };
    return send(reply, JSON.stringify(['pods', asked]), () => insight.pods(asked));
  });
  app.get('/debug/pods/:namespace/:name', async (request, reply) => {
    const { namespace, name } = request.params as Record<'namespace' | 'name', string>;
    const story = await insight.pod(namespace, name, AbortSignal.timeout(storyWithinMs));
    if (story !== undefined) return { replica, ...story };
    return reply.code(404).send({ error: `expected a Pod that runs, got ${namespace}/${name}` });
  });
  app.register(debugEvents, { insight });
}
