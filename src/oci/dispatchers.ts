import type { AsyncLocalStorage } from 'node:async_hooks';
import { isIP, type LookupFunction, type Socket } from 'node:net';
import { Agent, buildConnector, Client, type Dispatcher, Pool, ProxyAgent } from 'undici';
import type { BoundedMap } from '#core/bounded-map.ts';
import { version } from '#core/version.ts';
import { forbidden, furthest, mayLead, type Zone, zoneOf } from './addresses.ts';
import { dial, type OpenSocket } from './dial.ts';
import { KEPT_CONNECTIONS } from './idle-wait.ts';
import type { Names } from './names.ts';
import type { Trust } from './trust.ts';
import type { TurnGate } from './turn-gate.ts';

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

/**
 * What a connection is for: probes and tokens; what is copied from a registry, or to it. A slow blob
 * takes none of those that answer reviews.
 */
export type Purpose = 'probe' | 'read' | 'upload';

/** A connection that was never established: its `cause` is the reason, with its own code. */
export class ConnectError extends Error {
  readonly code = 'KUIK_CONNECT';
}

/** Who we are, to registries, token services and proxies: some refuse who does not say. */
export const USER_AGENT = `kuik/${version}`;

/** Behaviour §7: `concurrency`, the room for a burst. */
const CONCURRENCY_DEFAULT = 256;
/** Blobs at once from, and to, one registry: more lanes share the same wire. */
export const TRANSFERS_MAX = 32;
/**
 * For these, and some for manifests and looks, which must not wait for slow blobs. Reads and uploads
 * have theirs each for themselves: an upload holds its connection while it waits for its source, and
 * two copies in opposite directions must not wait for each other.
 */
const TRANSFER_CONNECTIONS = TRANSFERS_MAX + 8;
/** A registry's token service and blob stores; more origins at once is a redirect maze. */
export const ORIGINS_MAX = 16;
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

/** What connections to the addresses of one registry are opened with. */
export interface Opening extends ProxyOpening {
  readonly openSocket?: OpenSocket;
  readonly from: Zone;
  readonly zones: BoundedMap<string, Zone>;
  readonly closing: AbortSignal;
  readonly share: AsyncLocalStorage<string | undefined>;
  /** Those of all registries. */
  readonly openings: TurnGate;
}

/** What connections to a proxy are opened with. */
export interface ProxyOpening {
  readonly trust: Trust;
  readonly names: Names;
}

/** For whom, and for what. */
export interface Use {
  readonly settings: RegistrySettings;
  readonly purpose: Purpose;
}

/**
 * The settings of a registry hold for its token service and redirects too, as docker has it: where
 * certificates are not verified, whoever could intercept could choose the realm anyway.
 */
export function createAgent(opening: Opening, use: Use): Dispatcher {
  const secure = buildConnector({
    ...tlsOptions(opening.trust, use.settings),
    timeout: CONNECT_TIMEOUT_MS,
  });
  return new Agent({
    ...LIMITS,
    factory: createPools(use),
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
        if (opening.closing.aborted) end();
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
function createPools({ settings, purpose }: Use) {
  const { concurrency = CONCURRENCY_DEFAULT } = settings;
  const connections = purpose === 'probe' ? concurrency : TRANSFER_CONNECTIONS;
  return (origin: string | URL, given: object): Pool => {
    const kept = new Set<Client>();
    return new Pool(origin, {
      ...given,
      ...LIMITS,
      connections,
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

export function createProxyAgent({ trust, names }: ProxyOpening, use: Use, proxy: URL): Dispatcher {
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
    factory: createPools(use),
    requestTls: tlsOptions(trust, use.settings),
    proxyTls: { secureContext: trust.contextFor(), lookup, allowH2: false },
  });
}
