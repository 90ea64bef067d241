import type { FastifyInstance } from 'fastify';
import Type, { type Static } from 'typebox';
import { isRegistry } from '#core/image/reference.ts';
import type { WhatIf } from '#core/routing/what-if.ts';

const querySchema = Type.Object(
  {
    registry: Type.String({
      minLength: 1,
      maxLength: 4_096,
      description: 'hosts of registries with commas between',
    }),
  },
  { additionalProperties: false },
);

/** What is not decided by then is counted; the command waits a little longer. */
const answerWithinMs = 10_000;

/** What the route asks, and whose registries it knows. */
export interface DebugWhatIfPorts {
  readonly whatIf: WhatIf;
  /** This process: each replica has registries of its own. */
  readonly replica: string;
}

/** `GET /debug/what-if?registry=`: what would become of the workloads if it died now. */
export async function debugWhatIf(
  app: FastifyInstance,
  { whatIf, replica }: DebugWhatIfPorts,
): Promise<void> {
  app.get('/debug/what-if', { schema: { querystring: querySchema } }, async (request, reply) => {
    const { registry } = request.query as Static<typeof querySchema>;
    const registries = registry.split(',');
    const wrong = registries.find((name) => !isRegistry(name));
    if (wrong !== undefined) {
      const error = `registry: expected the host of a registry, got ${JSON.stringify(wrong)}`;
      return reply.code(400).send({ error });
    }
    return { replica, ...(await whatIf(registries, AbortSignal.timeout(answerWithinMs))) };
  });
}
