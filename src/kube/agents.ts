import { type Dispatcher, Pool, ProxyAgent } from 'undici';
import type { KubeAccess, KubeTransport } from './kube-config.ts';

/** Calls and watches apart, so that a slow page never waits behind an open watch. */
export interface AgentPair {
  readonly call: Dispatcher;
  readonly watch: Dispatcher;
}

/** Calls at once; more wait. Pages, applies and secrets of a busy second fit. */
const callConnectionsMax = 16;
/** Tokens and certificates in files rotate by the hour; exec plugins cache by themselves. */
const renewEveryMs = 60_000;
/** A load balancer forgets idle connections after minutes; we do so first. */
const keepAliveMs = 30_000;
/** A watch gets a bookmark about every minute; the reflector judges its silence. */
const noTimeout = 0;

interface Material {
  readonly pair: AgentPair;
  readonly transport: KubeTransport;
  readonly authorization: string | undefined;
  readonly readAtMs: number;
}

/**
 * The connections to one API server, made anew when its certificates or tokens rotate; nothing is
 * opened before the first call.
 */
export function createAgents(access: KubeAccess, monotonicMs: () => number) {
  let material: Material | undefined;
  let reading: Promise<Material> | undefined;
  let closed = false;
  /** Old connections on which calls still end; closing does not wait for them. */
  const draining = new Set<AgentPair>();

  const drain = (pair: AgentPair): void => {
    draining.add(pair);
    const ended = Promise.allSettled([pair.call.close(), pair.watch.destroy()]);
    void ended.finally(() => draining.delete(pair));
  };
  const read = async (): Promise<Material> => {
    const [transport, authorization] = await Promise.all([
      access.transport(),
      access.authorization(),
    ]);
    if (closed) throw new Error('Expected an open client; it was closed.');
    const before = material;
    const same =
      before !== undefined && JSON.stringify(before.transport) === JSON.stringify(transport);
    const pair = same ? before.pair : makePair(access.server, transport);
    material = { pair, transport, authorization, readAtMs: monotonicMs() };
    // What is in flight on the old connections ends there.
    if (before !== undefined && !same) drain(before.pair);
    return material;
  };
  const renewed = (): Promise<Material> => {
    reading ??= read().finally(() => {
      reading = undefined;
    });
    return reading;
  };
  /** A file that is missing while it rotates says nothing against what was good a minute ago. */
  const refreshed = async (known: Material): Promise<Material> => {
    if (monotonicMs() - known.readAtMs < renewEveryMs) return known;
    return await renewed().catch((cause: unknown) => {
      if (closed) throw cause;
      material = { ...known, readAtMs: monotonicMs() };
      return material;
    });
  };
  return {
    /** Connections and credentials that are good now. */
    ready: async () => {
      const { pair, authorization } =
        material === undefined ? await renewed() : await refreshed(material);
      return { pair, server: access.server, authorization };
    },
    /**
     * Reads TLS material and credentials again at once: the server refused the old ones. Rejects
     * where they can't be read.
     */
    renew: async () => {
      await renewed();
    },
    close: async () => {
      closed = true;
      const pairs = [...draining, ...(material === undefined ? [] : [material.pair])];
      material = undefined;
      const ended = pairs.flatMap(({ call, watch }) => [call.destroy(), watch.destroy()]);
      await Promise.allSettled(ended);
    },
  };
}

function makePair(server: string, transport: KubeTransport): AgentPair {
  return {
    call: makeDispatcher(server, transport, {
      connections: callConnectionsMax,
      keepAliveTimeout: keepAliveMs,
    }),
    watch: makeDispatcher(server, transport, { bodyTimeout: noTimeout, keepAliveTimeout: 1_000 }),
  };
}

function makeDispatcher(
  server: string,
  transport: KubeTransport,
  options: Pool.Options,
): Dispatcher {
  const { proxyUrl, ...connect } = transport;
  // No Agent: once that is told to close, it forgets what it would have to destroy.
  return proxyUrl === undefined
    ? new Pool(new URL(server).origin, { ...options, connect, allowH2: false })
    : new ProxyAgent({ ...options, uri: proxyUrl, requestTls: connect });
}
