import { connect, type Socket } from 'node:net';

/** Where to connect to. */
export interface DialTarget {
  /** In the order to try. */
  readonly addresses: readonly string[];
  readonly port: number;
  /** Opens one connection; the default is Node's. */
  readonly open?: OpenSocket;
}

/** Begins to connect to one address. */
export type OpenSocket = (port: number, address: string) => Socket;

/**
 * RFC 8305 §5: the next address is begun with when one fails or is not there by now. Node's own
 * `autoSelectFamily` ends the earlier attempt then, so that a host with many addresses farther away
 * than this is reached at the last of them only.
 */
const STAGGER_MS = 250;

/** A connection and the one of the addresses that it leads to. */
export interface Dialled {
  readonly socket: Socket;
  readonly address: string;
}

/** Connects to the first of several addresses that answers; an abort is a time that ran out. */
export function dial(
  { addresses, port, open = connect }: DialTarget,
  signal: AbortSignal,
): Promise<Dialled> {
  const { promise, resolve, reject } = Promise.withResolvers<Dialled>();
  const attempts = new Set<Socket>();
  const waiting = [...addresses];
  let timer: NodeJS.Timeout | undefined;
  let failure: Error | undefined;

  const settle = (): void => {
    clearTimeout(timer);
    signal.removeEventListener('abort', giveUp);
    waiting.length = 0;
    for (const socket of attempts) socket.destroy();
    attempts.clear();
  };
  const giveUp = (): void => {
    settle();
    reject(failure ?? Object.assign(new Error('no connection in time'), { code: 'ETIMEDOUT' }));
  };
  const next = (): void => {
    clearTimeout(timer);
    const address = waiting.shift();
    if (address === undefined) {
      if (attempts.size === 0) giveUp();
      return;
    }
    const socket = open(port, address);
    attempts.add(socket);
    socket.once('connect', () => {
      // One that came second was destroyed by the first.
      if (!attempts.delete(socket)) return;
      settle();
      resolve({ socket, address });
    });
    socket.on('error', (error) => {
      if (!attempts.delete(socket)) return;
      failure ??= error;
      next();
    });
    timer = setTimeout(next, STAGGER_MS);
  };

  signal.addEventListener('abort', giveUp, { once: true });
  if (signal.aborted) giveUp();
  else next();
  return promise;
}
