import {
  Agent as HttpAgent,
  type IncomingHttpHeaders,
  type IncomingMessage,
  type ServerResponse,
  request as sendHttp,
} from 'node:http';
import { Agent as HttpsAgent, request as sendHttps } from 'node:https';
import { pipeline, type Readable } from 'node:stream';
import type { RegistryAddress } from './registry-request.ts';

/** What goes on to the real registry: the request as it came, or as a fault has changed it. */
export interface ForwardedRequest {
  readonly method: string;
  /** With its query. */
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: Readable;
}

/** Sends a request on to the real registry; `answer` may change what comes back. */
export interface Forwarder {
  (sent: ForwardedRequest, response: ServerResponse, answer: (real: IncomingMessage) => void): void;
  readonly close: () => void;
}

/**
 * Makes the forwarder; `close` it. The real registry is told the host and the scheme that were
 * asked for, so that its `Location` leads through here again.
 */
export function createForwarder(
  upstream: RegistryAddress | undefined,
  scheme: 'http' | 'https' = 'http',
): Forwarder {
  const secure = upstream?.url.startsWith('https:') === true;
  const agent = secure
    ? new HttpsAgent({ keepAlive: true, ca: upstream.authorityPem })
    : new HttpAgent({ keepAlive: true });
  const forward = (
    { method, path, headers, body }: ForwardedRequest,
    response: ServerResponse,
    answer: (real: IncomingMessage) => void,
  ): void => {
    if (upstream === undefined) {
      response.writeHead(404).end();
      return;
    }
    const { authorization, ...kept } = headers;
    const real = (secure ? sendHttps : sendHttp)(new URL(path, upstream.url), {
      method,
      headers: { ...kept, 'x-forwarded-proto': scheme },
      agent,
    });
    real.on('response', answer);
    real.on('error', () => response.destroy());
    response.on('close', () => real.destroy());
    // Who is in front has gone, or the real registry has answered early: neither is news here.
    pipeline(body, real, () => undefined);
  };
  return Object.assign(forward, { close: () => agent.destroy() });
}
