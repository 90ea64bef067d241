import type { Credential } from '#core/credentials.ts';
import type { ImageReference } from '#core/image/reference.ts';
import { type Result, succeed } from '#core/result.ts';
import { createGuardedLookup, type ResolveAddresses, resolveBySystem } from './addresses.ts';
import { createAuthenticator } from './auth.ts';
import { createConnections, type RegistrySettings } from './connections.ts';
import type { OciFailure } from './errors.ts';
import { requestManifest } from './manifests.ts';
import { createProxyChooser, type ProxySettings } from './proxies.ts';
import { createTokens } from './tokens.ts';
import { createTransport } from './transport.ts';
import { createTrust, systemRoots } from './trust.ts';

/** One request for one manifest with at most one credential. */
export interface ManifestRequest {
  readonly reference: ImageReference;
  readonly method: 'HEAD' | 'GET';
  readonly credential?: Credential;
}

/** What a registry says of a manifest that it has. */
export interface ManifestAnswer {
  readonly status: number;
  /** `Docker-Content-Digest`, when the registry sent one. */
  readonly digest?: string;
  readonly mediaType?: string;
  /** Pulls left, when a `ratelimit-remaining` header tells. */
  readonly quotaRemaining?: number;
  /** Wall time in ms since the epoch at which the quota is renewed, when the headers tell. */
  readonly quotaResetAtMs?: number;
}

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
