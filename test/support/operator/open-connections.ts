import { once } from 'node:events';
import { connect, type Socket } from 'node:net';

/** A connection as bare as it can be, on which a test sends what it wants. */
export interface BareConnection {
  readonly socket: Socket;
  /** What came, until it was closed. */
  readonly answer: () => string;
  readonly isClosed: () => boolean;
}

/** Opens one to a port of this machine, from an address of it. */
export async function openConnection(
  port: number,
  localAddress = '127.0.0.1',
): Promise<BareConnection> {
  const socket = connect({ host: '127.0.0.1', port, localAddress });
  let answer = '';
  let closed = false;
  socket.on('data', (chunk: Buffer) => {
    answer += chunk.toString('latin1');
  });
  socket.on('error', () => undefined);
  socket.on('close', () => {
    closed = true;
  });
  await once(socket, 'connect');
  return { socket, answer: () => answer, isClosed: () => closed };
}
