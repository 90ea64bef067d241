import type { Credential } from '#core/credentials.ts';
import type { CopyOutcome } from '#core/mirroring/copy-outcome.ts';
import { createOciClient, type OciClient, type OciClientOptions } from '#oci/client.ts';
import type { CopyRequest } from '#oci/copy.ts';
import { type FaultRegistry, startFaultRegistry } from './fault-registry.ts';
import { startRegistry, type TestRegistry } from './registry.ts';
import { namedRegistries } from './registry-ports.ts';
import { makeAuthority, type ServerCertificate } from './tls.ts';

/** A real source and a real mirror, each behind one that counts and misbehaves, with TLS. */
export interface OciCopyStage {
  readonly realSource: TestRegistry;
  readonly realTarget: TestRegistry;
  readonly source: FaultRegistry;
  readonly target: FaultRegistry;
  readonly tls: ServerCertificate & { readonly authorityPem: string };
  /** A client that trusts all registries of the stage, and those at `hosts`. */
  readonly makeClient: (options?: OciClientOptions, ...hosts: readonly string[]) => OciClient;
  /** Copies with a client of its own. */
  readonly copy: (
    wanted: WantedCopy,
    options?: OciClientOptions,
    signal?: AbortSignal,
  ) => Promise<CopyOutcome>;
  /** One copy as the copier is asked for it. */
  readonly request: (wanted: WantedCopy) => CopyRequest;
  /** Both behave again, nobody is asked who it is, nothing was counted; clients are closed. */
  readonly reset: () => Promise<void>;
  readonly close: () => Promise<void>;
}

/** What is copied: `path` at the source to the same path on the mirror unless told. */
export interface WantedCopy extends Partial<Omit<CopyRequest, 'source' | 'target'>> {
  readonly path: string;
  readonly tag?: string;
  readonly digest?: string;
  readonly from?: { readonly host: string };
  readonly to?: { readonly host: string };
  readonly toPath?: string;
  readonly credentials?: readonly Credential[];
}

const withinMs = 20_000;

/** Starts the registries. */
export async function startOciCopyStage(): Promise<OciCopyStage> {
  const authority = await makeAuthority();
  const tls = { ...(await authority.issue()), authorityPem: authority.pem };
  const [realSource, realTarget] = await Promise.all([startRegistry(), startRegistry()]);
  const source = await startFaultRegistry({ upstream: realSource, tls });
  const target = await startFaultRegistry({ upstream: realTarget, tls });
  const clients: OciClient[] = [];
  const makeClient: OciCopyStage['makeClient'] = (options = {}, ...hosts) => {
    const trusted = [source.host, target.host, ...hosts];
    const registries = Object.fromEntries(trusted.map((host) => [host, { caFile: authority.pem }]));
    const named = namedRegistries({ ...registries, ...options.registries });
    const client = createOciClient({ ...options, registries: named });
    clients.push(client);
    return client;
  };
  const request: OciCopyStage['request'] = (wanted) => {
    const { path, toPath = path, from = source, to = target, credentials = [] } = wanted;
    const { tag = '1', digest } = wanted;
    const named = digest === undefined ? { tag } : { digest };
    return {
      ...{ sourceCredentials: credentials, targetCredentials: credentials, platforms: 'all' },
      ...wanted,
      source: { registry: from.host, path, ...named },
      target: { registry: to.host, path: toPath, ...named },
    };
  };
  const closeClients = async (): Promise<void> => {
    await Promise.all(clients.splice(0).map((client) => client.close()));
  };
  return {
    ...{ realSource, realTarget, source, target, tls, makeClient, request },
    copy: async (wanted, options, signal = AbortSignal.timeout(withinMs)) =>
      await makeClient(options).copier.copy(request(wanted), signal),
    reset: async () => {
      await closeClients();
      for (const front of [source, target]) {
        front.setRules();
        front.setAuth(undefined);
        front.resetCounts();
      }
    },
    close: async () => {
      await closeClients();
      for (const front of [source, target]) await front.close();
      for (const registry of [realSource, realTarget]) await registry.remove();
    },
  };
}
