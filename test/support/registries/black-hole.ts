import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import { guard } from '#test/support/processes/guardian.ts';
import { listenAtRegistryPort, nextRegistryPort } from './registry-ports.ts';

/** A host that swallows what it is sent. */
export interface BlackHole {
  readonly host: string;
  readonly port: number;
  /** Connections that were accepted. */
  readonly connections: () => number;
  readonly close: () => Promise<void>;
}

/** Accepts every connection and never says a word, not even TLS. */
export async function startSilentHost(): Promise<BlackHole> {
  const sockets = new Set<Socket>();
  let connections = 0;
  const server = createServer((socket) => {
    connections += 1;
    sockets.add(socket);
    socket.on('error', () => undefined).on('close', () => sockets.delete(socket));
    socket.resume();
  });
  const port = await listenAtRegistryPort(server);
  return {
    host: `127.0.0.1:${port}`,
    port,
    connections: () => connections,
    close: async () => {
      const closed = once(server, 'close');
      server.close();
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
}

/** A process that listens with the shortest backlog there is and never gets to accept. */
const sleeper = `
  const server = require('node:net').createServer();
  server.listen({ host: '127.0.0.1', port: Number(process.argv[1]), backlog: 1 }, () => {
    require('node:fs').writeSync(1, String(server.address().port) + '\\n');
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
  });`;
/** Linux holds one or two more than the backlog says. */
const fillersMax = 16;
/** On loopback a connection that is not there by then is one that the backlog has no room for. */
const fillMs = 250;

/** Its backlog is full: a connection to it is neither made nor refused. */
export async function startFullBacklog(): Promise<BlackHole> {
  const child = spawn(process.execPath, ['-e', sleeper, String(nextRegistryPort())], {
    stdio: ['ignore', 'pipe', 'inherit'],
    detached: true,
  });
  const release = guard(child.pid ?? 0);
  const exited = once(child, 'exit').finally(release);
  const [line] = (await once(child.stdout, 'data')) as [Buffer];
  const port = Number(line.toString());
  const fillers: Socket[] = [];
  for (let isOpen = true; isOpen && fillers.length < fillersMax; ) {
    const socket = connect({ port, host: '127.0.0.1' }).on('error', () => undefined);
    fillers.push(socket);
    isOpen = await Promise.race([
      once(socket, 'connect').then(() => true),
      new Promise<boolean>((resolve) => setTimeout(() => resolve(false), fillMs)),
    ]);
  }
  return {
    host: `127.0.0.1:${port}`,
    port,
    connections: () => 0,
    close: async () => {
      for (const socket of fillers) socket.destroy();
      child.kill('SIGKILL');
      await exited;
    },
  };
}
