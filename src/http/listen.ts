import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { Server as TlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import type { FastifyInstance } from 'fastify';
import { boundConnections } from './connection-bound.ts';
import { watchExchanges } from './open-exchanges.ts';

/** Where to listen. */
export interface ListenOptions {
  /** 0 takes any free port. */
  readonly port: number;
  /** An address; all of them, IPv6 included where there is any, unless told. */
  readonly host?: string;
  /** Longest request line and header fields together, in bytes. */
  readonly headerBytesMax?: number;
  /** Connections at once; a few scrapers and people need no more than 256. */
  readonly connectionsMax?: number;
  /** What says where it listens, for the message where it cannot: `--debug-port`. */
  readonly flags?: { readonly port: string; readonly host?: string };
}

/** A listener that serves one app. */
export interface Listener {
  readonly port: number;
  /** Whether new connections are accepted. */
  readonly listening: () => boolean;
  /**
   * Ends it without dropping a request (behaviour §8): from now on every answer closes its
   * connection; after `acceptMs` no more are accepted; what is in flight has until `finishMs`.
   */
  readonly drain: (times?: DrainTimes) => Promise<void>;
  /** Ends it at once, with what is in flight. */
  readonly close: () => Promise<void>;
}

/** Both counted from the call of `drain`, in ms. */
export interface DrainTimes {
  readonly acceptMs: number;
  readonly finishMs: number;
}

/** Behaviour §8: a Service forgets a Pod within seconds, and a Pod has 30 s to end. */
export const drainTimesDefault: DrainTimes = { acceptMs: 5_000, finishMs: 15_000 };

/** Bounds of every server here, in ms; Node's own are off or minutes long. */
export const serverTimeouts = {
  /** Above the 90 s after which Go's client gives an idle connection up, so that it closes first. */
  keepAliveTimeout: 120_000,
  /** A review is sent at once; who takes longer holds a connection for nothing. */
  requestTimeout: 10_000,
  headersTimeout: 10_000,
  /** How often Node looks for those who take longer; half a minute unless told. */
  connectionsCheckingInterval: 1_000,
} as const;

const connectionsMaxDefault = 256;

/** Who has just connected asks at once, in ms; after that a silent connection holds nobody up. */
const silentMsMax = 500;

/** Serves an app over plain HTTP. Rejects when the port can't be had, and says which flag it was. */
export async function listen(app: FastifyInstance, options: ListenOptions): Promise<Listener> {
  const { headerBytesMax } = options;
  const server = createServer({
    ...serverTimeouts,
    // Whoever offers another protocol, h2c for one, is answered in this one as before.
    shouldUpgradeCallback: (request) => takesUpgrade(app, request),
    ...(headerBytesMax !== undefined && { maxHeaderSize: headerBytesMax }),
  });
  return await serve(server, app, options);
}

/** Serves an app with a server that was made for it; ends both together. */
export async function serve(
  server: Server | TlsServer,
  app: FastifyInstance,
  options: ListenOptions,
): Promise<Listener> {
  await app.ready();
  let draining = false;
  const exchanges = watchExchanges(server);
  const { connectionsMax = connectionsMaxDefault } = options;
  boundConnections(server, { connectionsMax, askingNow: exchanges.asking });
  server.on('request', (request, response: ServerResponse) => {
    if (draining) response.setHeader('connection', 'close');
    app.routing(request, response);
  });
  if (takesUpgrades(app)) {
    server.on('upgrade', (...upgrade) => app.server.emit('upgrade', ...upgrade));
  }
  await open(server, options).catch(async (error: unknown) => {
    await app.close();
    throw error;
  });
  const closed = once(server, 'close');
  const close = async () => {
    if (server.listening) server.close();
    server.closeAllConnections();
    // What was upgraded is the app's to end; the server waits for it, and does not know it.
    await Promise.all([closed, app.close()]);
  };
  return {
    port: (server.address() as AddressInfo).port,
    listening: () => server.listening,
    close,
    drain: async ({ acceptMs, finishMs } = drainTimesDefault) => {
      draining = true;
      exchanges.closeAfterAnswers();
      await elapse(acceptMs, closed);
      if (server.listening) server.close();
      server.closeIdleConnections();
      const leftMs = finishMs - acceptMs;
      const silentMs = Math.min(silentMsMax, leftMs);
      await elapse(silentMs, closed);
      exchanges.endSilent();
      await elapse(leftMs - silentMs, closed);
      await close();
    },
  };
}

/** The app's own server never listens; a part that takes upgrades waits for them there. */
function takesUpgrades(app: FastifyInstance): boolean {
  return app.server.listenerCount('upgrade') > 0;
}

function takesUpgrade(app: FastifyInstance, { headers }: IncomingMessage): boolean {
  return takesUpgrades(app) && headers.upgrade?.toLowerCase() === 'websocket';
}

async function open(server: Server | TlsServer, options: ListenOptions): Promise<void> {
  const { port, host } = options;
  server.listen({ port, ...(host !== undefined && { host }) });
  try {
    await once(server, 'listening');
  } catch (cause) {
    throw new Error(explainRefusal(cause as NodeJS.ErrnoException, options), { cause });
  }
}

/** What is wrong with a port or an address, in the words of whoever gave it. */
function explainRefusal(
  { code = '', message }: NodeJS.ErrnoException,
  { port, host, flags = { port: 'the port' } }: ListenOptions,
): string {
  const place = host === undefined ? String(port) : `${port} at ${host}`;
  const { port: portFlag, host: hostFlag = portFlag } = flags;
  if (code === 'EADDRINUSE')
    return `${portFlag}: expected a free port, ${place} is taken (${code})`;
  if (code === 'EACCES')
    return `${portFlag}: expected a port that may be opened, got ${place} (${code})`;
  const isElsewhere = code === 'EADDRNOTAVAIL' || code === 'ENOTFOUND' || code === 'EINVAL';
  if (isElsewhere) return `${hostFlag}: expected an address of this machine, got ${host} (${code})`;
  return `${portFlag}: expected to listen on ${place}: ${message}`;
}

/** Waits, but no longer than until `ended`. */
async function elapse(durationMs: number, ended: Promise<unknown>): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const elapsed = new Promise((resolve) => {
    timer = setTimeout(resolve, durationMs);
  });
  await Promise.race([elapsed, ended]);
  clearTimeout(timer);
}
