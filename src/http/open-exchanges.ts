import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { Server as TlsServer } from 'node:https';
import type { Socket } from 'node:net';

/** Watches a server from before it listens: what is open at it has to be known to end it well. */
export function watchExchanges(server: Server | TlsServer) {
  const answers = new Set<ServerResponse>();
  // By the client's address: the socket below TLS and the one above are not the same.
  const silent = new Map<string, Socket>();
  const heard = new WeakSet<Socket>();
  server.on('connection', (socket: Socket) => {
    const name = nameOf(socket);
    silent.set(name, socket);
    socket.once('close', () => {
      // The port may have been taken again by now.
      if (silent.get(name) === socket) silent.delete(name);
    });
  });
  server.on('request', (request: IncomingMessage, response: ServerResponse) => {
    if (!heard.has(request.socket)) {
      heard.add(request.socket);
      silent.delete(nameOf(request.socket));
    }
    answers.add(response);
    response.once('close', () => answers.delete(response));
  });
  return {
    /** `address port` of the clients that wait for an answer. */
    asking: (): ReadonlySet<string> =>
      new Set([...answers].flatMap(({ socket }) => (socket === null ? [] : nameOf(socket)))),
    /** Every answer that has not begun yet will close its connection. */
    closeAfterAnswers: () => {
      for (const answer of answers) {
        if (!answer.headersSent) answer.setHeader('connection', 'close');
      }
    },
    /** Ends connections over which nothing was ever asked: Node counts them as busy. */
    endSilent: () => {
      for (const socket of silent.values()) socket.destroy();
    },
  };
}

function nameOf({ remoteAddress, remotePort }: Socket): string {
  return `${remoteAddress} ${remotePort}`;
}
