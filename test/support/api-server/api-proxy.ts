import type { IncomingMessage, ServerResponse } from 'node:http';
import { Agent, request } from 'node:https';
import {
  type FaultRegistry,
  type FaultRule,
  type SeenRequest,
  startFaultRegistry,
} from '#test/support/registries/fault-registry.ts';
import type { Fault } from '#test/support/registries/faults.ts';
import type { ForwardedRequest, Forwarder } from '#test/support/registries/forwarder.ts';
import { makeAuthority } from '#test/support/registries/tls.ts';
import { createOpenWatches, type OpenWatches } from './open-watches.ts';

/**
 * A proxy in front of the real API server that misbehaves as told: rules for requests, and what can
 * be done to open watches.
 */
export interface ApiProxy
  extends Pick<
    FaultRegistry,
    | 'setRules'
    | 'connections'
    | 'openConnections'
    | 'requests'
    | 'resetCounts'
    | 'refuse'
    | 'accept'
    | 'close'
  > {
  readonly server: string;
  readonly authorityPem: string;
  readonly watches: Omit<OpenWatches, 'pass'>;
}

/** The real API server behind it. */
export interface ApiProxyOptions {
  readonly server: string;
  readonly authorityPem: string;
}

/** Starts one on a free loopback port, with a certificate of its own. */
export async function startApiProxy(upstream: ApiProxyOptions): Promise<ApiProxy> {
  const authority = await makeAuthority();
  const watches = createOpenWatches();
  const front = await startFaultRegistry({
    tls: { ...(await authority.issue()), authorityPem: authority.pem },
    forward: forwarderTo(upstream, watches),
  });
  return { ...front, server: front.url, authorityPem: authority.pem, watches };
}

/** What the API server answers when it refuses: a Status, as its own errors are. */
export function refusal(
  status: number,
  reason: string,
  headers: Readonly<Record<string, string>> = {},
): Fault {
  const message = `refused with ${status} by a test`;
  return {
    kind: 'answer',
    status,
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify({
      kind: 'Status',
      apiVersion: 'v1',
      metadata: {},
      status: 'Failure',
      message,
      reason,
      code: status,
    }),
  };
}

/** A rule for the watches of a path, or for its lists: the query tells them apart. */
export function ruleFor(
  what: 'watch' | 'list',
  rule: Omit<FaultRule, 'query' | 'method'>,
): FaultRule {
  return { ...rule, method: 'GET', query: what === 'watch' ? /\bwatch=true\b/ : /\blimit=/ };
}

/** Whether a request opened a watch. */
export function isWatch({ path }: Pick<SeenRequest, 'path'>): boolean {
  return /[?&]watch=true\b/.test(path);
}

function forwarderTo({ server, authorityPem }: ApiProxyOptions, watches: OpenWatches): Forwarder {
  const agent = new Agent({ keepAlive: true, ca: authorityPem });
  const forward = (
    { method, path, headers, body }: ForwardedRequest,
    response: ServerResponse,
    answer: (real: IncomingMessage) => void,
  ): void => {
    const url = new URL(path, server);
    const real = request(url, { method, headers: { ...headers, host: url.host }, agent });
    real.on('response', (answered) => {
      const isOpen = isWatch({ path }) && answered.statusCode === 200;
      if (isOpen) watches.pass({ path, real: answered, response });
      else answer(answered);
    });
    real.on('error', () => response.destroy());
    response.on('close', () => real.destroy());
    body.pipe(real);
  };
  return Object.assign(forward, { close: () => agent.destroy() });
}
