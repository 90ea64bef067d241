import { type Result, succeed } from '#core/result.ts';
import { createGuardedLookup, type ResolveAddresses, resolveBySystem } from './addresses.ts';
import { createAuthenticator } from './auth.ts';
import { createConnections, type RegistrySettings } from './connections.ts';
import type { OciFailure } from './errors.ts';
import { type ManifestAnswer, type ManifestRequest, requestManifest } from './manifests.ts';
import { createProxyChooser, type ProxySettings } from './proxies.ts';
import { createTokens } from './tokens.ts';
import { createTransport } from './transport.ts';
import { createTrust, systemRoots } from './trust.ts';

export type { ManifestAnswer, ManifestRequest } from './manifests.ts';

/** The registries of the world, each over its own kept-alive connections. No retries, no log. */
export interface OciClient {
  /** One manifest request; tokens are fetched, cached and renewed as the challenge asks. */
  readonly manifest: (
    request: ManifestRequest,
    signal: AbortSignal,
  ) => Promise<Result<ManifestAnswer, OciFailure>>;
  /** `GET /v2/`: any answer of any status succeeds with it; only a dead connection fails. */
  readonly ping: (registry: string, signal: AbortSignal) => Promise<Result<number, OciFailure>>;
  /** Ends all connections. */
  readonly close: () => Promise<void>;
}

/** How the client speaks to the world; an empty one is right where nothing is special. */
export interface OciClientOptions {
  /** By host with its port, as in a normalised reference (`registries` of the configuration). */
  readonly registries?: Readonly<Record<string, RegistrySettings>>;
  readonly proxies?: ProxySettings;
  /** Root certificates in PEM, read once; the default is Node's, the system's and the extra ones. */
  readonly roots?: () => readonly string[];
  /** Finds the addresses of a name; the default is the system's resolver. */
  readonly resolve?: ResolveAddresses;
  /** Wall time in ms since the epoch: what `Retry-After` counts from. */
  readonly nowMs?: () => number;
  /** Monotonic time in ms: what the lifetime of tokens is measured with. */
  readonly monotonicMs?: () => number;
}

/** An error page read to the end keeps its connection; a ping needs nothing of it. */
const PING_BYTES_MAX = 65_536;

/** Makes the client; `close` it. Opens no connection by itself. */
export function createOciClient(options: OciClientOptions = {}): OciClient {
  const registries = options.registries ?? {};
  // Own keys only: a registry may be called `constructor:5000`.
  const settingsOf = (registry: string): RegistrySettings =>
    (Object.hasOwn(registries, registry) ? registries[registry] : undefined) ?? {};
  const nowMs = options.nowMs ?? Date.now;
  const monotonicMs = options.monotonicMs ?? (() => performance.now());

  const connections = createConnections({
    settingsOf,
    trust: createTrust(options.roots ?? systemRoots),
    lookup: createGuardedLookup(options.resolve ?? resolveBySystem),
    chooseProxy: createProxyChooser(options.proxies ?? {}),
  });
  const transport = createTransport({ connections, settingsOf });
  const tokens = createTokens({ transport, nowMs, monotonicMs });
  const authenticator = createAuthenticator(transport, tokens);

  return {
    manifest: async (request, signal) =>
      await requestManifest(authenticator, { ...request, nowMs }, signal),
    ping: async (registry, signal) => {
      const sent = await transport.send(
        { registry, target: '/v2/', method: 'GET', headers: {}, bodyBytesMax: PING_BYTES_MAX },
        signal,
      );
      return sent.ok ? succeed(sent.value.status) : sent;
    },
    close: connections.close,
  };
}
