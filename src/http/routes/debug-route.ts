import type { FastifyInstance } from 'fastify';
import Type, { type Static } from 'typebox';
import { allOf, fail, type Result, succeed } from '#core/result.ts';
import type { ImageQuery, NamespaceExists, RoutingQuery } from '#core/routing/admission.ts';
import { noNamespace } from '#http/no-namespace.ts';
import { askWithinDeadline } from '#http/within-deadline.ts';

const pairsExpected = 'key=value pairs with commas between (\\, is a comma in a value)';

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
    pullSecrets: Type.Optional(
      Type.String({ description: 'names of pull secrets of the Pod with commas between' }),
    ),
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
const answerTimeoutMsDefault = 10_000;

/** What the route asks, and how long it waits. */
export interface DebugRouteOptions {
  readonly explain: RoutingQuery['explain'];
  readonly namespaceExists: NamespaceExists;
  readonly answerTimeoutMs?: number;
}

/** `GET /debug/route`: what a Pod with this image would get; nothing is changed by asking. */
export async function debugRoute(
  app: FastifyInstance,
  {
    explain,
    namespaceExists,
    answerTimeoutMs: deadlineMs = answerTimeoutMsDefault,
  }: DebugRouteOptions,
): Promise<void> {
  app.get('/debug/route', { schema: { querystring: querySchema } }, async (request, reply) => {
    const query = request.query as Static<typeof querySchema>;
    const { image, namespace = 'default', policy = 'IfNotPresent' } = query;
    const subject = readSubject(query);
    if (!subject.ok) return reply.code(400).send({ error: subject.error });
    if (!(await namespaceExists(namespace, AbortSignal.timeout(deadlineMs)))) {
      return reply.code(404).send({ error: noNamespace(namespace) });
    }
    const outcome = await askWithinDeadline(
      (cancellation) =>
        explain({ image, namespace, policy, ...subject.value }, cancellation.signal),
      { deadlineMs },
    );
    if (outcome.kind === 'failed') throw outcome.error;
    if (outcome.kind === 'answered') return outcome.answer;
    return reply.code(504).send({ error: `expected a decision within ${deadlineMs} ms, got none` });
  });
}

/** What the Pod is like, beside its image and namespace. */
function readSubject(
  query: Static<typeof querySchema>,
): Result<Pick<ImageQuery, 'labels' | 'annotations' | 'pullSecrets'>, string> {
  const pullSecrets = (query.pullSecrets ?? '').split(',').flatMap((name) => name.trim() || []);
  const pairs = allOf({
    labels: readPairs('labels', query.labels),
    annotations: readPairs('annotations', query.annotations),
  });
  return pairs.ok ? succeed({ ...pairs.value, pullSecrets }) : pairs;
}

function readPairs(
  name: string,
  text: string | undefined,
): Result<Readonly<Record<string, string>>, string> {
  const pairs: [string, string][] = [];
  for (const pair of splitPairs(text ?? '')) {
    const at = pair.indexOf('=');
    if (at < 1) return fail(`${name}: expected ${pairsExpected}, got ${quote(pair)}`);
    pairs.push([pair.slice(0, at).trim(), pair.slice(at + 1).trim()]);
  }
  return succeed(Object.fromEntries(pairs));
}

/** At commas, save those behind a backslash: annotations often hold JSON. */
function splitPairs(text: string): readonly string[] {
  const parts = text.match(/(?:\\[\s\S]|[^\\,])+/g) ?? [];
  return parts
    .filter((part) => part.trim() !== '')
    .map((part) => part.replaceAll(/\\([\\,])/g, '$1'));
}

function quote(text: string): string {
  return JSON.stringify(text.slice(0, 100));
}
