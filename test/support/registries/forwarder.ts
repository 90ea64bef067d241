import {
  Agent as HttpAgent,
  type IncomingMessage,
  type ServerResponse,
  request as sendHttp,
} from 'node:http';
import { request as sendHttps } from 'node:https';
import type { RegistryAddress } from './registry-request.ts';

/** Sends a request on to the real registry; `answer` may change what comes back. */
export interface Forwarder {
  (
    incoming: IncomingMessage,
    response: ServerResponse,
    answer: (real: IncomingMessage) => void,
  ): void;
  readonly close: () => void;
}

/** Makes the forwarder; `close` it. */
export function createForwarder(upstream: RegistryAddress | undefined): Forwarder {
  const agent = new HttpAgent({ keepAlive: true });
  const forward = (
    incoming: IncomingMessage,
    response: ServerResponse,
    answer: (real: IncomingMessage) => void,
  ): void => {
    if (upstream === undefined) {
      response.writeHead(404).end();
      return;
    }
    const secure = upstream.url.startsWith('https:');
    const { authorization, ...headers } = incoming.headers;
    const real = (secure ? sendHttps : sendHttp)(new URL(incoming.url ?? '/', upstream.url), {
      method: incoming.method,
      headers: { ...headers, host: upstream.host },
      ...(secure ? { ca: upstream.authorityPem } : { agent }),
    });
    real.on('response', answer);
    real.on('error', () => response.destroy());
    response.on('close', () => real.destroy());
    incoming.pipe(real);
  };
  return Object.assign(forward, { close: () => agent.destroy() });
}
