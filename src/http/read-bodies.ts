import type { IncomingMessage } from 'node:http';
import type { FastifyInstance } from 'fastify';
import { BodyBudget, type BodyShare } from './body-budget.ts';
import { GatheredBody } from './gathered-body.ts';
import { weighJson } from './json-weight.ts';
import { ReadPace } from './read-pace.ts';

declare module 'fastify' {
  interface FastifyRequest {
    /** What its body takes of the budget, once that is being read. */
    bodyShare?: BodyShare;
  }
}

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
  const pace = new ReadPace();
  const inTurn = takeTurns();
  // Not a map by request: thousands of reviews a second would have the collector look after it.
  app.decorateRequest('bodyShare');
  app.removeContentTypeParser('application/json');
  app.addContentTypeParser('application/json', (request, payload: IncomingMessage, done) => {
    const length = Number(payload.headers['content-length'] ?? 0);
    if (length > bounds.bytesMax) return done(tooLarge(bounds.bytesMax), undefined);
    const share: BodyShare = { request: payload, bytes: 0 };
    request.bodyShare = share;
    receive(payload, { budget, share, pace, bytesMax: bounds.bytesMax }, (error, body) => {
      if (body === undefined) return done(error ?? null, undefined);
      const answer = () => {
        const parsed = parse(body, bounds);
        if (parsed instanceof Error) done(parsed, undefined);
        else done(null, parsed.value);
      };
      if (body.length > weighedBytesMin) inTurn(answer);
      else answer();
    });
  });
  // Every request is answered, also one whose client is gone.
  app.addHook('onSend', (request, ...[, , done]) => {
    if (request.bodyShare !== undefined) budget.release(request.bodyShare);
    done();
  });
  return budget;
}

/** One large body a turn of the event loop: however many end together, others are served between. */
function takeTurns(): (work: () => void) => void {
  const waiting: (() => void)[] = [];
  const next = (): void => {
    try {
      waiting[0]?.();
    } finally {
      waiting.shift();
      // What is put off during a turn is done in the next one.
      if (waiting.length > 0) setImmediate(next);
    }
  };
  return (work) => {
    waiting.push(work);
    if (waiting.length === 1) setImmediate(next);
  };
}

interface Receiving {
  readonly budget: BodyBudget;
  readonly share: BodyShare;
  readonly pace: ReadPace;
  readonly bytesMax: number;
}

/** By events and not by iteration, which takes a turn of its own for each of a review's pieces. */
function receive(
  payload: IncomingMessage,
  { budget, share, pace, bytesMax }: Receiving,
  done: (error: Error | undefined, body?: Buffer) => void,
): void {
  const gathered = new GatheredBody();
  const take = (piece: Buffer): void => {
    const pieceBytes = piece.length;
    gathered.add(piece);
    if (gathered.bytes > bytesMax) {
      payload.off('data', take).off('end', finish).off('error', fail);
      gathered.release();
      done(tooLarge(bytesMax));
      return;
    }
    budget.received(share, pieceBytes);
    pace.received(payload, { pieceBytes, bodyBytes: gathered.bytes });
  };
  const finish = (): void => {
    // Who goes away from here on fails no body.
    payload.off('error', fail);
    budget.complete(share);
    done(undefined, gathered.whole());
  };
  // Whoever is gone, or was closed, reads no answer; it must have a status all the same.
  const fail = (error: Error): void => {
    gathered.release();
    done(Object.assign(error, { statusCode: 400 }));
  };
  payload.on('data', take).once('end', finish).once('error', fail);
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
