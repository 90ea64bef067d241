import type { IncomingMessage } from 'node:http';
import type { FastifyInstance } from 'fastify';
import { foreignHost, foreignOrigin, isLoopback, type OwnNames } from './same-origin.ts';

/** Which requests that a browser may have sent for a web page are right. */
export interface PageOptions {
  readonly own: OwnNames;
  /** Whether `Host` has to be right on all connections, or only on those to a loopback address. */
  readonly hostOf: 'all' | 'loopback';
  /** Where people come in by a link of another site, `/debug/`. */
  readonly entrance?: string;
}

/** `/` and the browser's own doings, and pages of ours. */
const rightSites: readonly unknown[] = [undefined, 'none', 'same-origin'];

/**
 * Keeps web pages from reading or driving an app through the browser of whoever forwards its port
 * (behaviour §10): answers 403 to requests that a page of another site sent, by whatever name it
 * reached us, and forbids pages to take in what is answered.
 */
export function refusePages(app: FastifyInstance, options: PageOptions): void {
  app.addHook('onRequest', async (request, reply) => {
    reply.headers({
      'cross-origin-resource-policy': 'same-origin',
      'x-content-type-options': 'nosniff',
    });
    const refusal = pageRefusal(request.raw, options);
    if (refusal !== undefined) await reply.code(403).send({ error: refusal });
  });
}

/** Why a request, or an upgrade, is refused as another site's; undefined where it is right. */
export function pageRefusal(request: IncomingMessage, options: PageOptions): string | undefined {
  const { host, origin } = request.headers;
  const { own } = options;
  const checksHost = options.hostOf === 'all' || isLoopback(request.socket.localAddress);
  return (
    (checksHost ? foreignHost(host, own) : undefined) ??
    foreignOrigin(origin, own) ??
    foreignSite(request, options.entrance)
  );
}

function foreignSite({ headers, url }: IncomingMessage, entrance?: string): string | undefined {
  const site = headers['sec-fetch-site'];
  if (rightSites.includes(site)) return undefined;
  const navigates =
    headers['sec-fetch-mode'] === 'navigate' && headers['sec-fetch-dest'] === 'document';
  if (navigates && entrance !== undefined && url === entrance) return undefined;
  return `expected a request of no other site, got Sec-Fetch-Site ${JSON.stringify(String(site).slice(0, 100))}`;
}
