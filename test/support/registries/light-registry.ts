import { once } from 'node:events';
import { createServer as createTlsServer } from 'node:https';
import { createServer, type Socket } from 'node:net';
import { listenAtRegistryPort } from './registry-ports.ts';
import type { ServerCertificate } from './tls.ts';

/** How a light registry behaves: it serves, takes everything and says nothing, or is not there. */
export type LightRegistryMode = 'serving' | 'silent' | 'refusing';

/** A registry that has every image and costs next to nothing, over TLS. */
export interface LightRegistry {
  /** `127.0.0.1:<port>`, as an image reference has it. */
  readonly host: string;
  /** Requests and connections that arrived since `resetCounts`. */
  readonly requests: () => number;
  readonly connections: () => number;
  readonly resetCounts: () => void;
  /** So long every answer takes from now on. */
  readonly setDelayMs: (delayMs: number) => void;
  /** Behaves so from now on; a connection made in a silent time stays silent for good. */
  readonly setMode: (mode: LightRegistryMode) => Promise<void>;
  readonly close: () => Promise<void>;
}

const manifestType = 'application/vnd.oci.image.manifest.v1+json';
const digest = `sha256:${'a'.repeat(64)}`;

/** Starts one on a free loopback port, in this process; `seen` is told the path of each request. */
export async function startLightRegistry(
  tls: ServerCertificate,
  seen: (path: string) => void = () => undefined,
): Promise<LightRegistry> {
  let mode: LightRegistryMode = 'serving';
  let delayMs = 0;
  let requests = 0;
  let connections = 0;
  const sockets = new Set<Socket>();
  const secure = createTlsServer(
    { cert: tls.certificatePem, key: tls.keyPem, keepAliveTimeout: 120_000 },
    (incoming, response) => {
      requests += 1;
      seen(incoming.url ?? '');
      if (mode !== 'serving') return;
      const answer = () => {
        response.writeHead(200, {
          'content-type': manifestType,
          'docker-content-digest': digest,
          'content-length': '0',
        });
        response.end();
      };
      if (delayMs === 0) answer();
      else setTimeout(answer, delayMs);
    },
  );
  secure.on('tlsClientError', () => undefined);
  const front = createServer((socket) => {
    connections += 1;
    sockets.add(socket);
    socket.setNoDelay(true);
    socket.on('error', () => undefined).on('close', () => sockets.delete(socket));
    if (mode === 'serving') secure.emit('connection', socket);
  });
  const port = await listenAtRegistryPort(front);
  const leave = async (): Promise<void> => {
    const closed = once(front, 'close');
    front.close();
    for (const socket of sockets) socket.destroy();
    await closed;
  };
  return {
    host: `127.0.0.1:${port}`,
    requests: () => requests,
    connections: () => connections,
    resetCounts: () => {
      requests = 0;
      connections = 0;
    },
    setDelayMs: (wanted) => {
      delayMs = wanted;
    },
    setMode: async (wanted) => {
      mode = wanted;
      if (wanted === 'refusing' && front.listening) await leave();
      if (wanted !== 'refusing' && !front.listening) {
        front.listen(port, '127.0.0.1');
        await once(front, 'listening');
      }
    },
    close: async () => {
      if (front.listening) await leave();
    },
  };
}
