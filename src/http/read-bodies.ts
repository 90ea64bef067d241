import type { IncomingMessage } from 'node:http';
import type { FastifyInstance } from 'fastify';
import { BodyBudget } from './body-budget.ts';
import { weighJson } from './json-weight.ts';

/** How large bodies may be. */
export interface BodyBounds {
  /** As sent. */
  readonly bytesMax: number;
  /** The same where JSON would escape nothing. */
  readonly plainBytesMax: number;
  /** Objects, lists and their members in one body: each costs many times its text. */
  readonly partsMax: number;
  /** All bodies of requests in flight together. */
  readonly allBytesMax: number;
}

/** Smaller bodies hold little, whatever is in them, and are most. */
const weighedBytesMin = 262_144;

/** Has an app read JSON within bounds, each body of its own and all together; answers the budget. */
export function readBodies(app: FastifyInstance, bounds: BodyBounds): BodyBudget {
  const budget = new BodyBudget(bounds.allBytesMax);
  app.removeContentTypeParser('application/json');
  app.addContentTypeParser('application/json', (_request, payload: IncomingMessage, done) => {
    const length = Number(payload.headers['content-length'] ?? 0);
    if (length > bounds.bytesMax) return done(tooLarge(bounds.bytesMax), undefined);
    receive(payload, { budget, bytesMax: bounds.bytesMax }, (error, body) => {
      if (body === undefined) return done(error ?? null, undefined);
      const parsed = parse(body, bounds);
      if (parsed instanceof Error) done(parsed, undefined);
      else done(null, parsed.value);
    });
  });
  app.addHook('onResponse', (request, _reply, done) => {
    budget.release(request.raw);
    done();
  });
  return budget;
}

interface Receiving {
  readonly budget: BodyBudget;
  readonly bytesMax: number;
}

/** By events and not by iteration, which takes a turn of its own for each of a review's pieces. */
function receive(
  payload: IncomingMessage,
  { budget, bytesMax }: Receiving,
  done: (error: Error | undefined, body?: Buffer) => void,
): void {
  const pieces: Buffer[] = [];
  let bytes = 0;
  const stop = (): void => {
    payload.off('data', take).off('end', finish).off('error', fail).off('close', gone);
  };
  const fail = (error: Error): void => {
    stop();
    // Whoever is gone, or was closed, reads no answer; it must have a status all the same.
    done(Object.assign(error, { statusCode: 400 }));
  };
  const gone = () => fail(new Error('expected a whole body, the connection was closed'));
  const take = (piece: Buffer): void => {
    bytes += piece.length;
    if (bytes > bytesMax) {
      stop();
      done(tooLarge(bytesMax));
      return;
    }
    pieces.push(piece);
    budget.received(payload, piece);
  };
  const finish = (): void => {
    stop();
    budget.complete(payload);
    done(undefined, Buffer.concat(pieces, bytes));
  };
  payload.on('data', take).on('end', finish).on('error', fail).on('close', gone);
}

function parse(
  body: Buffer,
  { plainBytesMax, partsMax }: BodyBounds,
): { readonly value: unknown } | Error {
  if (body.length > weighedBytesMin) {
    const { plainBytes, parts } = weighJson(body);
    if (plainBytes > plainBytesMax) return tooLarge(plainBytesMax);
    if (parts > partsMax) {
      return badRequest(413, `expected at most ${partsMax} objects, lists and members`);
    }
  }
  try {
    return { value: JSON.parse(body.toString('utf8')) as unknown };
  } catch (error) {
    const got = error instanceof Error ? error.message.slice(0, 100) : 'something else';
    return badRequest(400, `expected a body of JSON: ${got}`);
  }
}

function tooLarge(bytesMax: number): Error {
  return badRequest(413, `expected a body of at most ${bytesMax} bytes, this one is too large`);
}

function badRequest(statusCode: number, message: string): Error {
  return Object.assign(new Error(message), { statusCode });
}
