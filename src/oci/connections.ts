import type { LookupFunction, Socket } from 'node:net';
import { Agent, buildConnector, type Dispatcher, ProxyAgent } from 'undici';
import { BoundedMap } from '#core/bounded-map.ts';
import type { ChooseProxy } from './proxies.ts';
import type { Trust } from './trust.ts';

/** How one registry is spoken to (`registries.<host>` of the configuration). */
export interface RegistrySettings {
  /** Certificates are not verified. */
  readonly insecure?: boolean;
  /** Spoken to over plain HTTP. */
  readonly plainHTTP?: boolean;
  /** Path of a CA bundle, or its PEM text, trusted beside the common roots. */
  readonly caFile?: string;
  /** Connections at once, and so requests at once. */
  readonly concurrency?: number;
}

/** The kept-alive connections, a bounded set for each registry. */
export interface Connections {
  /** The dispatcher that requests on behalf of `registry` to `url` go through. */
  readonly dispatcherFor: (registry: string, url: URL) => Dispatcher;
  readonly close: () => Promise<void>;
}

/** What connections are made of. */
export interface ConnectionOptions {
  readonly settingsOf: (registry: string) => RegistrySettings;
  readonly trust: Trust;
  readonly lookup: LookupFunction;
  readonly chooseProxy: ChooseProxy;
}

/** A connection that was never established: its `cause` is the reason, with its own code. */
export class ConnectError extends Error {
  readonly code = 'KUIK_CONNECT';
}

/** Registries whose connections are kept: Pods may name any number of them. */
const REGISTRIES_MAX = 512;
/** Behaviour §7: `concurrency`. */
const CONCURRENCY_DEFAULT = 4;
/** A registry's token service and blob stores; more origins at once is a redirect maze. */
const ORIGINS_MAX = 16;
/**
 * TCP and TLS together, time for two lost packets: what takes longer is dead. Until then it holds
 * one of the few connections, so that a registry which is back is not noticed any sooner.
 */
const CONNECT_TIMEOUT_MS = 5_000;
/** Below the 60 s after which common load balancers drop an idle connection. */
const KEEP_ALIVE_MS = 50_000;
/** A registry may state a longer time, up to this. */
const KEEP_ALIVE_MS_MAX = 300_000;
/** Headers of one answer; challenges and cookies are far below. */
const HEADER_BYTES_MAX = 16_384;
/** Backstop for checks without a timeout of their own (`timeout: 0s`). */
const IDLE_TIMEOUT_MS = 300_000;

/** Makes the connections; none is opened before it is needed. */
export function createConnections(options: ConnectionOptions): Connections {
  const agents = new BoundedMap<string, Dispatcher>(REGISTRIES_MAX, (agent) => {
    // Graceful: what is in flight ends by itself. Failing to close has no one to tell.
    agent.close().catch(() => undefined);
  });
  const pending = new Set<Socket>();
  return {
    dispatcherFor: (registry, url) => {
      const proxy = options.chooseProxy(url);
      const key = proxy === undefined ? registry : `${registry} ${proxy.href}`;
      const known = agents.get(key);
      if (known !== undefined) return known;
      const agent = createAgent({ ...options, pending }, options.settingsOf(registry), proxy);
      agents.set(key, agent);
      return agent;
    },
    close: async () => {
      const closed = agents.values().map((agent) => agent.destroy());
      // undici forgets sockets that are not connected yet; they would live on to their timeout.
      for (const socket of pending) socket.destroy(new ConnectError('closed'));
      await Promise.all(closed);
    },
  };
}

/**
 * HTTP/1.1 on purpose: an abort costs one connection at most, the bound on connections bounds the
 * requests as well, and nothing of ours needs more than a few requests at once.
 *
 * The settings of a registry hold for its token service and redirects too, as docker has it: where
 * certificates are not verified, whoever could intercept could choose the realm anyway.
 */
function createAgent(
  { trust, lookup, pending }: ConnectionOptions & { readonly pending: Set<Socket> },
  settings: RegistrySettings,
  proxy: URL | undefined,
): Dispatcher {
  const tls = {
    secureContext: trust.contextFor(settings.caFile),
    rejectUnauthorized: settings.insecure !== true,
    allowH2: false,
  };
  const common = {
    connections: settings.concurrency ?? CONCURRENCY_DEFAULT,
    maxOrigins: ORIGINS_MAX,
    allowH2: false,
    keepAliveTimeout: KEEP_ALIVE_MS,
    keepAliveMaxTimeout: KEEP_ALIVE_MS_MAX,
    maxHeaderSize: HEADER_BYTES_MAX,
    headersTimeout: IDLE_TIMEOUT_MS,
    bodyTimeout: IDLE_TIMEOUT_MS,
  };
  if (proxy !== undefined) {
    return new ProxyAgent({
      ...common,
      uri: proxy.href,
      connectTimeout: CONNECT_TIMEOUT_MS,
      requestTls: tls,
      proxyTls: { secureContext: trust.contextFor(), lookup, allowH2: false },
    });
  }
  const connector = buildConnector({ ...tls, lookup, timeout: CONNECT_TIMEOUT_MS });
  return new Agent({
    ...common,
    connect: (target, callback) => {
      // undici's connector hands its socket out at once, whatever its types say.
      const socket = connector(target, (error, connected) => {
        pending.delete(socket);
        // With an error it leaves the socket out.
        if (error === null) callback(null, connected);
        else callback(new ConnectError('no connection', { cause: error }), null);
      }) as unknown as Socket;
      pending.add(socket);
    },
  });
}
