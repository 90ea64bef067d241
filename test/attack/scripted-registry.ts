import { once } from 'node:events';
import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { promisify } from 'node:util';
import type { ServerCertificate } from '#test/support/registries/tls.ts';

/** A registry over TLS that does what a row tells it, and remembers what it was sent. */
export interface ScriptedRegistry {
  /** `127.0.0.1:<port>`, as an image reference has it. */
  readonly host: string;
  /** Answers with every image where nothing else is told. */
  answer: RequestListener;
  readonly seen: readonly SeenRequest[];
  /** How many connections are open. */
  readonly openConnections: () => Promise<number>;
  /** Forgets what was told and seen. */
  readonly reset: () => void;
  readonly close: () => Promise<void>;
}

/** One request. */
export interface SeenRequest {
  readonly method: string;
  readonly url: string;
  readonly authorization: string;
}

/** Requests that are remembered; a row asks for less. */
const seenMax = 10_000;

/** Starts one on a free loopback port. */
export async function startScriptedRegistry(tls: ServerCertificate): Promise<ScriptedRegistry> {
  const seen: SeenRequest[] = [];
  const server = createServer({ cert: tls.certificatePem, key: tls.keyPem });
  const registry: ScriptedRegistry = {
    host: '',
    answer: hasEverything,
    seen,
    openConnections: promisify(server.getConnections.bind(server)),
    reset: () => {
      registry.answer = hasEverything;
      seen.length = 0;
    },
    close: async () => {
      const closed = once(server, 'close');
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
  server.on('request', (request: IncomingMessage, response: ServerResponse) => {
    const { method = '', url = '', headers } = request;
    if (seen.length < seenMax) {
      seen.push({ method, url, authorization: headers.authorization ?? '' });
    }
    registry.answer(request, response as never);
  });
  server.on('tlsClientError', () => undefined);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return Object.assign(registry, { host: `127.0.0.1:${port}` });
}

/** A 200 as a registry gives it to a HEAD of a manifest. */
export function hasEverything(_request: IncomingMessage, response: ServerResponse): void {
  response.writeHead(200, {
    'content-type': 'application/vnd.oci.image.manifest.v1+json',
    'docker-content-digest': `sha256:${'a'.repeat(64)}`,
    'content-length': '0',
  });
  response.end();
}
