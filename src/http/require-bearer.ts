import { createHash } from 'node:crypto';
import type { FastifyInstance } from 'fastify';
import type { Access, AccessPort } from '#core/access.ts';
import { KeptAnswers } from './kept-answers.ts';

/**
 * Lets nobody in but the bearers of tokens that the API server knows and that may `get` the
 * non-resource URL `/debug` (behaviour §9): what listens beyond the machine is reached by everybody in
 * the cluster.
 */
export function requireBearer(app: FastifyInstance, check: BearerCheck): void {
  app.addHook('onRequest', async ({ headers }, reply) => {
    const refusal = await check(headers.authorization);
    if (refusal === undefined) return;
    const { status, error } = refusal;
    return await reply.code(status).headers(refusal.headers).send({ error });
  });
}

/** Says whether a request, or an upgrade, with this header is let in; the API server is asked. */
export function bearerCheck(access: AccessPort): BearerCheck {
  const kept = new KeptAnswers<Access>({
    // An API server that could not be asked may be asked again at once.
    keepMs: ({ value }) => (value.kind === 'unanswered' ? 0 : keepMs),
    ...{ entriesMax: tokensMax, makingMax: askedMax, waitingMax, restMs: () => 0 },
  });
  return async (authorization) => {
    const token = bearerOf(authorization);
    if (token === undefined) return noToken;
    const ask = () => access({ token, path }, AbortSignal.timeout(answerTimeoutMs));
    // By its hash: a memory is no place for what opens doors.
    const key = createHash('sha256').update(token).digest('base64');
    return refusalOf((await kept.get(key, ask)) ?? tooMany);
  };
}

/** Why somebody is not let in, from the header `Authorization`; undefined who may come in. */
export type BearerCheck = (authorization: string | undefined) => Promise<Refusal | undefined>;

/** An answer instead of the one that was asked for. */
export interface Refusal {
  readonly status: 400 | 401 | 403 | 404 | 503;
  readonly error: string;
  readonly headers: Readonly<Record<string, string>>;
}

/** A token of a service account is a kilobyte or two; OIDC's with many groups are longer. */
const tokenCharactersMax = 16_384;
/** A right that was taken away opens nothing after so long. */
const keepMs = 10_000;
/** Tokens remembered. */
const tokensMax = 256;
/** Tokens that the API server is asked about at once, and that wait: made-up ones must not flood it. */
const askedMax = 4;
const waitingMax = 16;
/** The API server answers in milliseconds or is not there. */
const answerTimeoutMs = 5_000;

/** What everything below it needs the right to `get`. */
const path = '/debug';
const noToken: Refusal = {
  status: 401,
  error: 'expected a bearer token that the API server knows',
  headers: { 'www-authenticate': 'Bearer realm="kuik"' },
};
const tooMany: Access = { kind: 'unanswered', message: 'too many tokens are asked about' };

function refusalOf(answer: Access): Refusal | undefined {
  if (answer.kind === 'allowed') return undefined;
  if (answer.kind === 'unknown') return noToken;
  if (answer.kind === 'forbidden') {
    const error = `expected somebody who may get the non-resource URL ${path}, got ${answer.user}`;
    return { status: 403, error, headers: {} };
  }
  const error = `expected the API server to say whose token this is: ${answer.message}`;
  return { status: 503, error, headers: {} };
}

function bearerOf(authorization: string | undefined): string | undefined {
  const [, token] = /^Bearer +([\x21-\x7e]+)$/i.exec(authorization ?? '') ?? [];
  return token === undefined || token.length > tokenCharactersMax ? undefined : token;
}
