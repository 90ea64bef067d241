import type { FastifyInstance } from 'fastify';
import Type, { type Static } from 'typebox';
import type { ActorListQuery, ActorPage, ActorView } from '#core/actor-view.ts';
import { parseDuration } from '#core/duration.ts';
import { parseTime } from '#core/rfc3339.ts';
import { eventName } from '#http/event-name.ts';
import { KeptAnswers } from '#http/kept-answers.ts';

/** A page that a person scrolls through; more is asked for with `cursor`. */
const limitDefault = 200;

const sinceExpected = 'a time as RFC 3339 has it, or how long ago, such as 5m';

const querySchema = Type.Object(
  {
    type: Type.Optional(Type.String({ description: "the first part of actors' ids" })),
    state: Type.Optional(Type.String({ description: 'the name of a state' })),
    q: Type.Optional(Type.String({ description: 'a part of an id' })),
    since: Type.Optional(Type.String({ description: sinceExpected })),
    limit: Type.Optional(
      Type.Integer({
        minimum: 1,
        maximum: limitDefault,
        description: `a number from 1 to ${limitDefault}`,
      }),
    ),
    offset: Type.Optional(
      Type.Integer({ minimum: 0, description: 'how many to leave out before the page' }),
    ),
    cursor: Type.Optional(Type.String({ description: 'the `next` of the page before' })),
  },
  { additionalProperties: false },
);

/** `GET /debug/actors` and `GET /debug/actors/<id>`. */
export async function debugActors(
  app: FastifyInstance,
  ports: { readonly actors: ActorView },
): Promise<void> {
  const searches = new KeptAnswers<ActorPage>(searchBounds);
  app.get('/debug/actors', { schema: { querystring: querySchema } }, async (request, reply) => {
    const { since, ...asked } = request.query as Static<typeof querySchema>;
    const sinceMs = since === undefined ? undefined : readSince(since);
    if (sinceMs === null) {
      const got = JSON.stringify(since?.slice(0, 100));
      return reply.code(400).send({ error: `since: expected ${sinceExpected}, got ${got}` });
    }
    const query: ActorListQuery = {
      ...{ limit: limitDefault, ...asked },
      ...(sinceMs !== undefined && { sinceMs }),
    };
    if (!isSearch(query)) return await ports.actors.list(query);
    const key = JSON.stringify({ ...query, sinceMs: since });
    const found = await searches.get(key, () => ports.actors.list(query));
    if (found !== undefined) return found;
    const error = 'expected fewer searches at once: ask again in a moment';
    return reply.code(503).header('retry-after', '1').send({ error });
  });
  // Ids hold image references, and so slashes.
  app.get('/debug/actors/*', async (request, reply) => {
    const id = (request.params as { readonly '*': string })['*'];
    const actor = ports.actors.get(id);
    if (actor !== undefined) {
      const transitions = actor.transitions.map((one) => ({
        ...one,
        eventName: eventName(one.event),
      }));
      return { ...actor, transitions };
    }
    const error = `expected the id of a running actor (see /debug/actors), got ${id}`;
    return reply.code(404).send({ error });
  });
}

/**
 * A search looks at all actors: one at a time, and between two a pause three times as long as the first
 * took, so that three quarters of the time are for others however many people search. The same question
 * is answered once, for a second at most, and in a small system always anew.
 */
const searchBounds = {
  /** People look at a few pages. */
  entriesMax: 32,
  /** Who would wait for so many others is better told to come back. */
  waitingMax: 32,
  makingMax: 1,
  keepMs: ({ tookMs }: { readonly tookMs: number }) => Math.min(1_000, tookMs * 20),
  restMs: (tookMs: number) => Math.min(1_000, tookMs * 3),
};

function isSearch({ q, state, sinceMs }: ActorListQuery): boolean {
  return q !== undefined || state !== undefined || sinceMs !== undefined;
}

/** Wall time, ms; null where it cannot be read. */
function readSince(text: string): number | null {
  const atMs = parseTime(text);
  if (atMs !== undefined) return atMs;
  const ago = parseDuration(text);
  return ago.ok ? Date.now() - ago.value : null;
}
