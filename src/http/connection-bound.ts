import type { Server } from 'node:http';
import type { Server as TlsServer } from 'node:https';
import type { Socket } from 'node:net';

/**
 * Keeps room for whoever connects next: where a server has all the connections it may have, that
 * client which has most of them loses one, over which nothing is asked if there is such a one. Merely
 * to refuse new ones would let anybody who opens enough of them keep the API server out.
 */
export function boundConnections(
  server: Server | TlsServer,
  { connectionsMax, askingNow }: ConnectionBounds,
): void {
  // The oldest first. By address and port: the socket below TLS and the one above are not the same.
  const clients = new Map<string, Map<number, Socket>>();
  let count = 0;
  server.on('connection', (socket: Socket) => {
    const { remoteAddress: address = '', remotePort: port = 0 } = socket;
    const connections = clients.get(address) ?? new Map<number, Socket>();
    clients.set(address, connections);
    connections.set(port, socket);
    count += 1;
    socket.once('close', () => {
      count -= 1;
      // The port may have been taken again by now.
      if (connections.get(port) === socket) connections.delete(port);
      if (connections.size === 0 && clients.get(address) === connections) clients.delete(address);
    });
    if (count > connectionsMax) closeOne(clients, askingNow);
  });
}

/** How many there may be, and which are in use. */
export interface ConnectionBounds {
  readonly connectionsMax: number;
  /** `address port` of the clients whose requests are not answered yet. */
  readonly askingNow: () => ReadonlySet<string>;
}

function closeOne(
  clients: ReadonlyMap<string, ReadonlyMap<number, Socket>>,
  askingNow: ConnectionBounds['askingNow'],
): void {
  const asking = askingNow();
  let [address, connections] = ['', new Map() as ReadonlyMap<number, Socket>];
  for (const [one, its] of clients) {
    if (its.size > connections.size) [address, connections] = [one, its];
  }
  const [oldest] = connections.values();
  for (const [port, socket] of connections) {
    if (asking.has(`${address} ${port}`) || socket.destroyed) continue;
    socket.destroy();
    return;
  }
  oldest?.destroy();
}
