import type { Credential } from '#core/credentials.ts';
import { registryHost } from '#core/image/registry-host.ts';
import { type Result, succeed } from '#core/result.ts';
import { Authenticator } from './auth.ts';
import { createConnections } from './connections.ts';
import { createImageCopier, type ImageCopier } from './copy.ts';
import type { TransferBounds } from './copy-memory.ts';
import type { OpenSocket } from './dial.ts';
import type { RegistrySettings } from './dispatchers.ts';
import type { OciFailure } from './errors.ts';
import { Habits, pingOf } from './habits.ts';
import { type ManifestAnswer, type ManifestRequest, requestManifest } from './manifests.ts';
import { Names, type ResolveName } from './names.ts';
import { createProxyChooser, type ProxySettings } from './proxies.ts';
import { createSystemResolver } from './resolver.ts';
import { Tokens } from './tokens.ts';
import { type StatedQuota, Transport } from './transport.ts';
import { createTrust, systemRoots } from './trust.ts';

export type { ManifestAnswer, ManifestRequest } from './manifests.ts';
export type { StatedQuota } from './transport.ts';

/** The registries of the world, each over its own kept-alive connections. No retries, no log. */
export interface OciClient {
  /** One manifest request; tokens are fetched, cached and renewed as the challenge asks. */
  readonly manifest: (
    request: ManifestRequest,
    signal: AbortSignal,
  ) => Promise<Result<ManifestAnswer, OciFailure>>;
  /** `GET /v2/`: any answer of any status succeeds with it; only a dead connection fails. */
  readonly ping: (registry: string, signal: AbortSignal) => Promise<Result<number, OciFailure>>;
  /** Copies images, over connections of its own to the same registries. */
  readonly copier: ImageCopier;
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
  /** Finds the addresses of a name; the default reads the machine's own resolver files. */
  readonly resolve?: ResolveName;
  /** Opens a connection to an address; the default is Node's. */
  readonly openSocket?: OpenSocket;
  /** Told of what answers state of the quota of whoever asked: probes and copies. */
  readonly onQuota?: (registry: string, quota: StatedQuota, asker?: Credential) => void;
  /** Wall time in ms since the epoch: what `Retry-After` counts from. */
  readonly nowMs?: () => number;
  /** How transfers are held to their bounds; an empty one is right where nothing is tested. */
  readonly transfers?: TransferBounds;
  /** Monotonic time in ms: what the lifetime of tokens is measured with. */
  readonly monotonicMs?: () => number;
}

/** Makes the client; `close` it. Opens no connection by itself. */
export function createOciClient(options: OciClientOptions = {}): OciClient {
  const nowMs = options.nowMs ?? Date.now;
  const monotonicMs = options.monotonicMs ?? (() => performance.now());
  const { nameOf, settingsOf } = createRegistryNames(options.registries ?? {});

  const connections = createConnections({
    settingsOf: (registry) => settingsOf(registry) ?? {},
    trust: createTrust(options.roots ?? systemRoots),
    names: new Names(options.resolve ?? createSystemResolver(), monotonicMs),
    chooseProxy: createProxyChooser(options.proxies ?? {}),
    ...(options.openSocket && { openSocket: options.openSocket }),
  });
  const { onQuota } = options;
  const transport = new Transport({ connections, settingsOf, nowMs, ...(onQuota && { onQuota }) });
  const tokens = new Tokens({ transport, nowMs, monotonicMs });
  const habits = new Habits(transport, monotonicMs);
  const authenticator = new Authenticator({ transport, tokens, habits });

  return {
    manifest: async (request, signal) => {
      const registry = nameOf(request.reference.registry);
      return await requestManifest(authenticator, { ...request, registry, nowMs }, signal);
    },
    ping: async (registry, signal) => {
      const sent = await transport.send(pingOf(nameOf(registry)), signal);
      return sent.ok ? succeed(sent.value.status) : sent;
    },
    copier: createImageCopier({ transport, authenticator, nameOf, nowMs }, options.transfers),
    close: connections.close,
  };
}

/** The registries of the configuration under their one name each. */
function createRegistryNames(registries: Readonly<Record<string, RegistrySettings>>) {
  const known = new Map(
    Object.entries(registries).map(([host, settings]) => [withoutPort(host, settings), settings]),
  );
  return {
    settingsOf: (name: string): RegistrySettings | undefined => known.get(name),
    nameOf: (registry: string): string => {
      const name = withoutPort(registry, {});
      const plain = withoutPort(registry, { plainHTTP: true });
      const isPlain = [plain, name].some((one) => known.get(one)?.plainHTTP === true);
      return isPlain ? plain : name;
    },
  };
}

/** The port that is the default where a registry is spoken to as its settings say. */
function withoutPort(registry: string, { plainHTTP }: RegistrySettings): string {
  const host = registryHost(registry);
  if (plainHTTP !== true) return host;
  // `registryHost` leaves out the port of https, which is none of plain HTTP's defaults.
  return /:443$/.test(registry) ? `${host}:443` : host.replace(/:80$/, '');
}
