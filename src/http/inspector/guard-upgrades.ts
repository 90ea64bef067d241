import { EventEmitter } from 'node:events';
import { type IncomingMessage, STATUS_CODES } from 'node:http';
import type { Duplex } from 'node:stream';
import type { Refusal } from '#http/require-bearer.ts';

/** Why an upgrade is refused; undefined where it is let in. */
export type AdmitUpgrade = (request: IncomingMessage) => Promise<Refusal | undefined>;

/**
 * Passes on the upgrades of a server that are let in, and answers the others itself. An upgrade is no
 * ordinary request: a web page may send one to any host and read what comes back, since browsers hold
 * sockets to no origin, and whether the hooks of an app see it is up to whoever upgrades. So who
 * sent it is checked here, before anything else hears of it.
 */
export function guardUpgrades(
  server: EventEmitter,
  { path, admit, refuse = () => undefined }: GuardOptions,
): EventEmitter {
  const admitted = new EventEmitter();
  server.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    // Node has taken its own listener away: without one a client that goes would end the process.
    const giveUp = () => socket.destroy();
    socket.on('error', giveUp);
    admit(request)
      .then((foreign) => {
        const refusal = foreign ?? elsewhere(request, path) ?? refuse(request);
        if (socket.destroyed) return;
        if (refusal !== undefined) {
          answer(socket, refusal);
          return;
        }
        socket.off('error', giveUp);
        admitted.emit('upgrade', request, socket, head);
      })
      .catch(giveUp);
  });
  return admitted;
}

/** What is let in. */
export interface GuardOptions {
  readonly path: string;
  readonly admit: AdmitUpgrade;
  /** What is asked wrongly, by whoever may ask. */
  readonly refuse?: (request: IncomingMessage) => Refusal | undefined;
}

/** What is no route that upgrades would be answered over a socket that then nobody ends. */
function elsewhere({ method, url = '' }: IncomingMessage, path: string): Refusal | undefined {
  if (method === 'GET' && url.split('?', 1)[0] === path) return undefined;
  const error = `expected an upgrade of GET ${path}, got ${method} ${url.slice(0, 200)}`;
  return { status: 404, error, headers: {} };
}

function answer(socket: Duplex, { status, error, headers }: Refusal): void {
  const body = JSON.stringify({ error });
  const fields = {
    ...headers,
    'content-type': 'application/json; charset=utf-8',
    'content-length': Buffer.byteLength(body),
    connection: 'close',
  };
  const lines = Object.entries(fields).map(([name, value]) => `${name}: ${value}\r\n`);
  socket.once('finish', () => socket.destroy());
  socket.end(`HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\n${lines.join('')}\r\n${body}`);
}
