import type { FastifyReply } from 'fastify';
import { KeptAnswers } from './kept-answers.ts';
import { SharedBodies } from './shared-bodies.ts';

/** `groupBy` has three values; the rest is for namespaces, of which people look at a few. */
const entriesMax = 16;
/** Whoever asks about one namespace after another waits for others. */
const waitingMax = 32;
/** What is shown is at most so old, and that only where it takes a twentieth of it to find out. */
const keepMsMax = 1_000;
const keepTimes = 20;
/** However many ask, four fifths of the time are left for reviews. */
const restTimes = 4;
const restMsMax = 1_000;
/** 20,000 images are five megabytes. */
const sentBytesMax = 64 * 1024 * 1024;

/**
 * Answers of the metrics port, which take long in a large cluster: made once for all who ask at the
 * same time, one after the other (behaviour §10).
 */
export class StatusAnswers {
  readonly #bodies = new SharedBodies(sentBytesMax);
  readonly #kept: KeptAnswers<StatusBody>;

  /** Metrics are never kept: two scrapes in a row tell of what happened in between. */
  constructor({ keeps }: { readonly keeps: boolean }) {
    this.#kept = new KeptAnswers({
      ...{ entriesMax, waitingMax, makingMax: 1 },
      keepMs: ({ tookMs }) => (keeps ? Math.min(keepMsMax, tookMs * keepTimes) : 0),
      restMs: (tookMs) => Math.min(restMsMax, tookMs * restTimes),
    });
  }

  /** Sends what is made now, or was a moment ago; 503 where too many ask for something else. */
  readonly send = async (reply: FastifyReply, answer: StatusAnswer): Promise<FastifyReply> => {
    const kept = await this.#kept.get(answer.key, answer.make);
    if (kept === undefined) {
      const error = 'expected fewer questions at once: ask again in a moment';
      return reply.code(503).header('retry-after', '1').send({ error });
    }
    this.#bodies.sending(kept.body, reply.raw);
    return reply.type(kept.type).send(kept.body);
  };
}

/** One answer, as it is made when it has to be. */
export interface StatusAnswer {
  /** The same for all that are answered alike. */
  readonly key: string;
  readonly make: () => Promise<StatusBody>;
}

/** What is sent: bytes, since a text would be encoded anew for each who asks. */
export interface StatusBody {
  readonly type: string;
  readonly body: Buffer;
}

/** JSON that is written piece by piece, with turns for others in between. */
export async function jsonOf(pieces: AsyncIterable<string>): Promise<StatusBody> {
  const parts: Buffer[] = [];
  for await (const piece of pieces) parts.push(Buffer.from(piece));
  return { type: jsonType, body: Buffer.concat(parts) };
}

/** JSON that is small enough to be written at once. */
export function jsonAnswer(value: object): StatusBody {
  return { type: jsonType, body: Buffer.from(JSON.stringify(value)) };
}

const jsonType = 'application/json; charset=utf-8';
