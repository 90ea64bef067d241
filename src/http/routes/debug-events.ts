import type { ServerResponse } from 'node:http';
import type { FastifyInstance } from 'fastify';
import type { InsightNews, InsightPort } from '#core/insight/insight.ts';

/** People who follow at once; each costs a connection of the few there are. */
const viewersMax = 32;
/** What one of them may lag behind; more is lost, and said. */
const bufferedBytesMax = 256 * 1024;
/** Proxies close what is silent for a minute. */
const heartbeatMs = 15_000;

/** `GET /debug/events`: what happens, as it happens, as an event stream (WHATWG HTML, server-sent events). */
export async function debugEvents(
  app: FastifyInstance,
  { insight }: { readonly insight: Pick<InsightPort, 'follow'> },
): Promise<void> {
  const viewers = new Set<Viewer>();
  // News come in the middle of a review: they are written once, however many look.
  const tellAll = ({ event, data }: InsightNews): void => {
    const text = eventText(event, data);
    for (const viewer of viewers) viewer.tell(text);
  };
  let unfollow = () => {};
  // A stream never ends by itself, and must not hold up whoever stops the process.
  app.addHook('preClose', async () => {
    for (const viewer of viewers) viewer.end();
  });
  app.get('/debug/events', async (_, reply) => {
    if (viewers.size >= viewersMax) {
      const error = `expected at most ${viewersMax} viewers at once: close another page`;
      return await reply.code(503).send({ error });
    }
    reply.hijack();
    for (const [name, value] of Object.entries(reply.getHeaders())) {
      if (value !== undefined) reply.raw.setHeader(name, value);
    }
    const viewer = new Viewer(reply.raw);
    viewers.add(viewer);
    if (viewers.size === 1) unfollow = insight.follow(tellAll);
    reply.raw.once('close', () => {
      viewers.delete(viewer);
      if (viewers.size === 0) unfollow();
      viewer.end();
    });
    return reply;
  });
}

/** One who follows; a slow one loses events and is told how many. */
class Viewer {
  readonly #response: ServerResponse;
  readonly #heartbeat: NodeJS.Timeout;
  #lost = 0;
  #id = 0;

  constructor(response: ServerResponse) {
    this.#response = response;
    response.writeHead(200, {
      'content-type': 'text/event-stream; charset=utf-8',
      'cache-control': 'no-store',
    });
    response.write(': what happens from now on\n\n');
    this.#heartbeat = setInterval(() => this.#beat(), heartbeatMs);
  }

  readonly tell = (event: string): void => {
    if (this.#response.writableEnded) return;
    if (this.#response.writableLength > bufferedBytesMax) {
      this.#lost += 1;
      return;
    }
    if (this.#lost > 0) this.#write(eventText('lost', { count: this.#lost }));
    this.#lost = 0;
    this.#write(event);
  };

  readonly end = (): void => {
    clearInterval(this.#heartbeat);
    this.#response.end();
  };

  /** What was lost is told also when nothing more happens. */
  #beat(): void {
    if (this.#response.writableLength > bufferedBytesMax) return;
    if (this.#lost > 0) this.#write(eventText('lost', { count: this.#lost }));
    else this.#response.write(': still here\n\n');
    this.#lost = 0;
  }

  #write(event: string): void {
    this.#id += 1;
    this.#response.write(`id: ${this.#id}\n${event}`);
  }
}

/** An event without its number, which is each viewer's own. */
function eventText(name: string, data: unknown): string {
  return `event: ${name}\ndata: ${JSON.stringify(data)}\n\n`;
}
