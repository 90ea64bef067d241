import type { FastifyInstance } from 'fastify';
import Type, { type Static } from 'typebox';
import { fail, type Result, succeed } from '#core/result.ts';
import type { ExplainPort } from '#http/ports.ts';

const pairsExpected = 'key=value pairs with commas between';

const querySchema = Type.Object(
  {
    image: Type.String({
      minLength: 1,
      maxLength: 1024,
      description: 'an image as a Pod names it',
    }),
    namespace: Type.Optional(Type.String({ description: 'the namespace of the Pod' })),
    labels: Type.Optional(Type.String({ description: pairsExpected })),
    annotations: Type.Optional(Type.String({ description: pairsExpected })),
    policy: Type.Optional(
      Type.Unsafe<'Always' | 'IfNotPresent' | 'Never'>({
        type: 'string',
        enum: ['Always', 'IfNotPresent', 'Never'],
        description: 'Always, IfNotPresent or Never',
      }),
    ),
  },
  { additionalProperties: false },
);

/** As long as a review may take at most; whoever asks by hand is not the API server. */
const answerTimeoutMs = 10_000;

/** `GET /debug/route`: what a Pod with this image would get; nothing is changed by asking. */
export async function debugRoute(
  app: FastifyInstance,
  ports: { readonly explain: ExplainPort },
): Promise<void> {
  app.get('/debug/route', { schema: { querystring: querySchema } }, async (request, reply) => {
    const query = request.query as Static<typeof querySchema>;
    const { image, namespace = 'default', policy = 'IfNotPresent' } = query;
    const labels = readPairs('labels', query.labels);
    const annotations = readPairs('annotations', query.annotations);
    if (!labels.ok) return reply.code(400).send({ error: labels.error });
    if (!annotations.ok) return reply.code(400).send({ error: annotations.error });
    const subject = { labels: labels.value, annotations: annotations.value };
    return await ports.explain(
      { image, namespace, policy, ...subject },
      AbortSignal.timeout(answerTimeoutMs),
    );
  });
}

function readPairs(
  name: string,
  text: string | undefined,
): Result<Readonly<Record<string, string>>, string> {
  const pairs: [string, string][] = [];
  for (const pair of (text ?? '').split(',').filter((part) => part.trim() !== '')) {
    const at = pair.indexOf('=');
    if (at < 1) return fail(`${name}: expected ${pairsExpected}, got ${JSON.stringify(pair)}`);
    pairs.push([pair.slice(0, at).trim(), pair.slice(at + 1).trim()]);
  }
  return succeed(Object.fromEntries(pairs));
}
