import { once } from 'node:events';
import {
  createServer as createHttpServer,
  type IncomingMessage,
  type RequestListener,
} from 'node:http';
import { createServer as createHttpsServer } from 'node:https';
import type { Socket } from 'node:net';
import { answersWithFault } from './answer-faults.ts';
import { type FaultAuth, type FaultAuthOptions, startFaultAuth } from './fault-auth.ts';
import { type Fault, forwardingFault } from './faults.ts';
import { createForwarder, type Forwarder } from './forwarder.ts';
import { listenAtRegistryPort } from './registry-ports.ts';
import type { RegistryAddress } from './registry-request.ts';
import type { ServerCertificate } from './tls.ts';
import { createTraffic, type Traffic } from './traffic.ts';

/** A fault and the requests it meets; the first rule that matches decides. */
export interface FaultRule {
  /** Tested against the path; every path without. */
  readonly path?: RegExp;
  /** Tested against what follows the `?`. */
  readonly query?: RegExp;
  readonly method?: string;
  /** Tested against the Authorization header. */
  readonly authorization?: RegExp;
  /** So many requests, then the rule is used up. */
  readonly times?: number;
  /**
   * What happens to it; what is decided for each request anew may be nothing at all. The port is the
   * sender's end of the connection, by which its process is found.
   */
  readonly fault: Fault | ((request: SeenRequest, port: number | undefined) => Fault | undefined);
}

/** One request as it arrived, before any fault. */
export interface SeenRequest {
  readonly method: string;
  readonly path: string;
  readonly authorization?: string;
}

/** A proxy in front of a real registry that misbehaves as told. */
export interface FaultRegistry extends RegistryAddress {
  readonly port: number;
  /** Replaces all rules; none means that it behaves. */
  readonly setRules: (...rules: readonly FaultRule[]) => void;
  /** Asks for credentials from now on; `undefined` opens it. */
  readonly setAuth: (options: FaultAuthOptions | undefined) => void;
  /** Tokens that it gave until now open nothing any more. */
  readonly expireTokens: () => void;
  /** Connections accepted so far. */
  readonly connections: () => number;
  /** Connections open now. */
  readonly openConnections: () => number;
  readonly requests: () => readonly SeenRequest[];
  /** What each of them said of who sent it. */
  readonly userAgents: () => readonly (string | undefined)[];
  /** Requests by method and kind of path, and bytes of blobs. */
  readonly traffic: Pick<Traffic, 'requests' | 'blobBytesServed' | 'blobBytesReceived'>;
  /** Forgets connections, requests and bytes counted so far. */
  readonly resetCounts: () => void;
  /** Every connection is refused until `accept`. */
  readonly refuse: () => Promise<void>;
  readonly accept: () => Promise<void>;
  readonly close: () => Promise<void>;
}

/** What the fault registry stands on. */
export interface FaultRegistryOptions {
  /** The real registry behind it; without one every request that gets through is 404. */
  readonly upstream?: RegistryAddress;
  /** Another way to what is behind it, closed with it. */
  readonly forward?: Forwarder;
  readonly tls?: ServerCertificate & { readonly authorityPem: string };
  readonly auth?: FaultAuthOptions;
}

/** Starts one on a free loopback port. */
export async function startFaultRegistry(
  options: FaultRegistryOptions = {},
): Promise<FaultRegistry> {
  const { tls, upstream } = options;
  const scheme = tls === undefined ? 'http' : 'https';
  let rules: { rule: FaultRule; left: number }[] = [];
  let requests: SeenRequest[] = [];
  let userAgents: (string | undefined)[] = [];
  let connections = 0;
  // By the client's port: below TLS, this is the only thing both sides of the server know.
  const sockets = new Map<number | undefined, Socket>();
  let auth: FaultAuth | undefined;
  const traffic = createTraffic();
  const forward = options.forward ?? createForwarder(upstream, scheme);

  const listener: RequestListener = (incoming, response) => {
    ignoreErrors(incoming, response);
    const seen = see(incoming);
    requests.push(seen);
    userAgents.push(incoming.headers['user-agent']);
    traffic.see(incoming);
    const found = rules.find(({ rule, left }) => left > 0 && isMeant(rule, seen));
    if (found !== undefined) found.left -= 1;
    const decided = found?.rule.fault;
    const fault =
      typeof decided === 'function' ? decided(seen, incoming.socket.remotePort) : decided;
    const connection = sockets.get(incoming.socket.remotePort);
    const exchange = { incoming, response, connection, traffic };
    if (fault !== undefined && answersWithFault(fault, exchange)) return;
    if (auth?.handled(incoming, response) === true) return;
    forwardingFault(fault, { ...exchange, forward });
  };

  const server =
    tls === undefined
      ? createHttpServer(listener)
      : createHttpsServer({ cert: tls.certificatePem, key: tls.keyPem }, listener);
  server.keepAliveTimeout = 60_000;
  server.on('connection', (socket: Socket) => {
    const { remotePort } = socket;
    connections += 1;
    sockets.set(remotePort, socket);
    socket.on('close', () => sockets.delete(remotePort));
    socket.on('error', () => undefined);
  });
  server.on('tlsClientError', () => undefined);
  const port = await listenAtRegistryPort(server);
  const url = `${scheme}://127.0.0.1:${port}`;
  const setAuth = (wanted: FaultAuthOptions | undefined): void => {
    auth = wanted === undefined ? undefined : startFaultAuth(wanted, url);
  };
  setAuth(options.auth);
  const refuse = async (): Promise<void> => {
    if (!server.listening) return;
    const closed = once(server, 'close');
    server.close();
    server.closeAllConnections();
    await closed;
  };

  return {
    port,
    url,
    host: `127.0.0.1:${port}`,
    ...(tls !== undefined && { authorityPem: tls.authorityPem }),
    setRules: (...wanted) => {
      rules = wanted.map((rule) => ({ rule, left: rule.times ?? Number.POSITIVE_INFINITY }));
    },
    setAuth,
    expireTokens: () => auth?.expireTokens(),
    connections: () => connections,
    openConnections: () => sockets.size,
    requests: () => requests,
    userAgents: () => userAgents,
    traffic,
    resetCounts: () => {
      traffic.reset();
      connections = 0;
      requests = [];
      userAgents = [];
    },
    refuse,
    accept: async () => {
      if (server.listening) return;
      server.listen(port, '127.0.0.1');
      await once(server, 'listening');
    },
    close: async () => {
      await refuse();
      forward.close();
    },
  };
}

/** Whoever resets a connection gets what it wants. */
function ignoreErrors(...sides: readonly NodeJS.EventEmitter[]): void {
  for (const side of sides) side.on('error', () => undefined);
}

function see({ method = 'GET', url = '/', headers }: IncomingMessage): SeenRequest {
  const { authorization } = headers;
  return { method, path: url, ...(authorization !== undefined && { authorization }) };
}

function isMeant(rule: FaultRule, { method, path, authorization }: SeenRequest): boolean {
  const [bare = '', query = ''] = path.split('?', 2);
  const isPath = rule.path === undefined || rule.path.test(bare);
  const isQuery = rule.query === undefined || rule.query.test(query);
  const isSender = rule.authorization === undefined || rule.authorization.test(authorization ?? '');
  return isPath && isQuery && isSender && (rule.method === undefined || rule.method === method);
}
