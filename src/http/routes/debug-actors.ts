import type { FastifyInstance } from 'fastify';
import Type, { type Static } from 'typebox';
import type { ActorView } from '#core/actor-view.ts';
import { eventName } from '#http/event-name.ts';

/** A page that a person scrolls through; more is asked for with `cursor`. */
const limitDefault = 200;

const querySchema = Type.Object(
  {
    type: Type.Optional(Type.String({ description: "the first part of actors' ids" })),
    state: Type.Optional(Type.String({ description: 'the name of a state' })),
    q: Type.Optional(Type.String({ description: 'a part of an id' })),
    limit: Type.Optional(
      Type.Integer({
        minimum: 1,
        maximum: limitDefault,
        description: `a number from 1 to ${limitDefault}`,
      }),
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
  app.get('/debug/actors', { schema: { querystring: querySchema } }, async (request) => {
    const query = request.query as Static<typeof querySchema>;
    return ports.actors.list({ limit: limitDefault, ...query });
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
