import { AsyncLocalStorage } from 'node:async_hooks';
import { isIP, type LookupFunction, type Socket } from 'node:net';
import { Agent, buildConnector, Client, type Dispatcher, Pool, ProxyAgent } from 'undici';
import { BoundedMap } from '#core/bounded-map.ts';
import { version } from '#core/version.ts';
import { forbidden, furthest, mayLead, writtenZone, type Zone, zoneOf } from './addresses.ts';
import { dial, type OpenSocket } from './dial.ts';
import { IdleWait, KEPT_CONNECTIONS, onceIdle } from './idle-wait.ts';
import type { Names } from './names.ts';
import type { ChooseProxy } from './proxies.ts';
import type { Trust } from './trust.ts';
import { TurnGate } from './turn-gate.ts';

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

/** Where one request goes, and for whom. */
export interface Destination {
  readonly registry: string;
  readonly url: URL;
  /** Who leads there: addresses nearer to us than that are refused. */
  readonly from: Zone;
  /** Whose look-ups of names this one is counted with: a namespace. */
  readonly share?: string;
}

/** What is sent there. */
export type SentRequest = Pick<Dispatcher.RequestOptions, 'method' | 'headers' | 'body' | 'signal'>;

/** What came back, and from where. */
export type ReceivedAnswer = Dispatcher.ResponseData & { readonly zone: Zone };

/** The kept-alive connections, a bounded set for each registry. */
export interface Connections {
  readonly request: (to: Destination, request: SentRequest) => Promise<ReceivedAnswer>;
  readonly close: () => Promise<void>;
}

/** What connections are made of. */
export interface ConnectionOptions {
  readonly settingsOf: (registry: string) => RegistrySettings;
  readonly trust: Trust;
  readonly names: Names;
  readonly chooseProxy: ChooseProxy;
  readonly openSocket?: OpenSocket;
}

/** A connection that was never established: its `cause` is the reason, with its own code. */
export class ConnectError extends Error {
  readonly code = 'KUIK_CONNECT';
}

/** Who we are, to registries, token services and proxies: some refuse who does not say. */
export const USER_AGENT = `kuik/${version}`;

/** Registries whose connections are kept, with what they lead to: Pods may name any number. */
const AGENTS_MAX = 1_024;
/** Behaviour §7: `concurrency`, the room for a burst. */
const CONCURRENCY_DEFAULT = 256;
/** A registry's token service and blob stores; more origins at once is a redirect maze. */
const ORIGINS_MAX = 16;
/** For TCP and then for TLS, time for two lost packets each: what takes longer is dead. */
const CONNECT_TIMEOUT_MS = 5_000;
/** Below the 60 s after which common load balancers drop an idle connection. */
const KEPT = { keepAliveTimeout: 50_000, keepAliveMaxTimeout: 300_000 };
/** Connections of a burst: the next one of the same rollout still finds them. */
const SPARE = { keepAliveTimeout: 10_000, keepAliveMaxTimeout: 10_000 };
/** TCP keep-alive, as undici has it where it opens the socket itself. */
const TCP_KEEP_ALIVE_MS = 60_000;
/** Backstop for checks without a timeout of their own (`timeout: 0s`). */
const IDLE_TIMEOUT_MS = 300_000;
/** Begun in one turn of the event loop, dials and handshakes: each takes some 0.3 ms of it. */
const OPENINGS_PER_TURN = 16;
const REQUESTS_PER_TURN = 32;
const LIMITS = {
  maxOrigins: ORIGINS_MAX,
  // On purpose: an abort costs one connection at most, and the bound on connections is one on
  // requests as well.
  allowH2: false,
  // Headers of one answer: single sign-on and content policies fill them, and 256 KiB is where Go's
  // own programs stop as well (behaviour §4).
  maxHeaderSize: 262_144,
  headersTimeout: IDLE_TIMEOUT_MS,
  bodyTimeout: IDLE_TIMEOUT_MS,
};

/** The connections of one registry to those that one zone may lead to. */
interface RegistryAgent {
  readonly dispatcher: Dispatcher;
  /** By origin: who waits for one of its connections. */
  readonly waits: BoundedMap<string, IdleWait>;
  /** By origin: of all addresses that were connected to, where the furthest is. */
  readonly zones: BoundedMap<string, Zone>;
}

/** Makes the connections; none is opened before it is needed. */
export function createConnections(options: ConnectionOptions): Connections {
  const agents = new BoundedMap<string, RegistryAgent>(AGENTS_MAX, ({ dispatcher }) => {
    // Graceful: what is in flight ends by itself. Failing to close has no one to tell.
    dispatcher.close().catch(() => undefined);
  });
  const closing = new AbortController();
  // undici opens connections by itself: on whose behalf is known only while it is asked to.
  const shares = new AsyncLocalStorage<string | undefined>();
  const openings = new TurnGate(OPENINGS_PER_TURN);
  const requests = new TurnGate(REQUESTS_PER_TURN);

  const agentFor = ({ registry, url, from }: Destination): RegistryAgent => {
    const proxy = options.chooseProxy(url);
    // Apart for each zone: a connection that one may use is none that another may.
    const key = [registry, from, proxy?.href].join(' ');
    const known = agents.get(key);
    if (known !== undefined) return known;
    const settings = options.settingsOf(registry);
    const zones = new BoundedMap<string, Zone>(ORIGINS_MAX);
    const opening = { ...options, from, zones, closing: closing.signal, share: shares, openings };
    const dispatcher =
      proxy === undefined
        ? createAgent(opening, settings)
        : createProxyAgent(options, settings, proxy);
    const agent = { dispatcher, zones, waits: new BoundedMap<string, IdleWait>(ORIGINS_MAX) };
    agents.set(key, agent);
    return agent;
  };

  return {
    request: async (to, request) => {
      const { url, share } = to;
      const { dispatcher, zones, waits } = agentFor(to);
      const gates = { wait: waitFor(waits, url.origin), requests };
      const answer = await onceIdle(gates, () =>
        shares.run(share, () =>
          dispatcher.request({
            origin: url.origin,
            path: `${url.pathname}${url.search}`,
            // Without this undici ends the connection after every HEAD.
            reset: false,
            ...request,
          }),
        ),
      );
      // What a proxy reaches is out in the world, unless it is written as an address.
      const zone = zones.get(url.origin) ?? writtenZone(url.hostname) ?? 'public';
      return { ...answer, zone };
    },
    close: async () => {
      const closed = agents.values().map(({ dispatcher }) => dispatcher.destroy());
      // undici forgets sockets that are not connected yet; they would live on to their timeout.
      closing.abort();
      await Promise.all(closed);
    },
  };
}

function waitFor(waits: RegistryAgent['waits'], origin: string): IdleWait {
  const known = waits.get(origin) ?? new IdleWait();
  waits.set(origin, known);
  return known;
}

type Opening = Omit<ConnectionOptions, 'settingsOf' | 'chooseProxy'> & {
  readonly from: Zone;
  readonly zones: BoundedMap<string, Zone>;
  readonly closing: AbortSignal;
  readonly share: AsyncLocalStorage<string | undefined>;
  /** Those of all registries. */
  readonly openings: TurnGate;
};

/**
 * The settings of a registry hold for its token service and redirects too, as docker has it: where
 * certificates are not verified, whoever could intercept could choose the realm anyway.
 */
function createAgent(opening: Opening, settings: RegistrySettings): Dispatcher {
  const secure = buildConnector({
    ...tlsOptions(opening.trust, settings),
    timeout: CONNECT_TIMEOUT_MS,
  });
  return new Agent({
    ...LIMITS,
    factory: createPools(settings),
    connect: (target, callback) => {
      const fail = (cause: unknown): void =>
        callback(new ConnectError('no connection', { cause }), null);
      const opened = Promise.resolve(opening.openings.pass()).then(() =>
        openSocket(opening, target),
      );
      opened.then(async (socket) => {
        if (target.protocol !== 'https:') return callback(null, socket);
        await opening.openings.pass();
        const end = (): void => void socket.destroy();
        opening.closing.addEventListener('abort', end, { once: true });
        secure({ ...target, httpSocket: socket }, (error, connected) => {
          opening.closing.removeEventListener('abort', end);
          if (error === null) callback(null, connected);
          else fail(error);
        });
      }, fail);
    },
  });
}

/** A connected socket to one of the addresses of the target that its leader may lead to. */
async function openSocket(
  { names, from, zones, closing, share, openSocket: open }: Opening,
  { hostname, protocol, port, host = hostname }: buildConnector.Options,
): Promise<Socket> {
  const found = isIP(hostname) === 0 ? await names.find(hostname, share.getStore()) : [hostname];
  const addresses = found.filter((address) => mayLead(from, zoneOf(address)));
  const [refused] = found;
  if (addresses.length === 0 && refused !== undefined) {
    throw forbidden(`${hostname} (${refused})`, zoneOf(refused));
  }
  const usualPort = protocol === 'https:' ? 443 : 80;
  const { socket, address } = await dial(
    { addresses, port: Number(port || usualPort), ...(open && { open }) },
    AbortSignal.any([closing, AbortSignal.timeout(CONNECT_TIMEOUT_MS)]),
  );
  const origin = `${protocol}//${host}`;
  zones.set(origin, furthest(zones.get(origin), zoneOf(address)));
  return socket.setNoDelay(true).setKeepAlive(true, TCP_KEEP_ALIVE_MS);
}

function tlsOptions(trust: Trust, settings: RegistrySettings) {
  return {
    secureContext: trust.contextFor(settings.caFile),
    rejectUnauthorized: settings.insecure !== true,
    allowH2: false,
  };
}

/** One pool an origin: a few connections are kept, those of a burst end when it is over. */
function createPools({ concurrency = CONCURRENCY_DEFAULT }: RegistrySettings) {
  return (origin: string | URL, given: object): Pool => {
    const kept = new Set<Client>();
    return new Pool(origin, {
      ...given,
      ...LIMITS,
      connections: concurrency,
      factory: (at, clientOptions) => {
        const isKept = kept.size < KEPT_CONNECTIONS;
        const client = new Client(at, { ...clientOptions, ...(isKept ? KEPT : SPARE) });
        // The pool lets go of a client that did not get its connection, and prefers older ones.
        if (isKept) kept.add(client);
        return client.on('connectionError', () => kept.delete(client));
      },
    });
  };
}

function createProxyAgent(
  { trust, names }: ConnectionOptions,
  settings: RegistrySettings,
  proxy: URL,
): Dispatcher {
  const lookup: LookupFunction = (hostname, { all }, callback) => {
    names.find(hostname).then(
      (found) => {
        const addresses = found.map((address) => ({
          address,
          family: address.includes(':') ? 6 : 4,
        }));
        const [first = { address: '', family: 4 }] = addresses;
        if (all === true) callback(null, addresses);
        else callback(null, first.address, first.family);
      },
      (error: Error) => callback(error, ''),
    );
  };
  return new ProxyAgent({
    ...LIMITS,
    uri: proxy.href,
    headers: { 'user-agent': USER_AGENT },
    connectTimeout: CONNECT_TIMEOUT_MS,
    factory: createPools(settings),
    requestTls: tlsOptions(trust, settings),
    proxyTls: { secureContext: trust.contextFor(), lookup, allowH2: false },
  });
}
