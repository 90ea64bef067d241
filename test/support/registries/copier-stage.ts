import type { Credential } from '#core/credentials.ts';
import type { ImageReference } from '#core/image/reference.ts';
import type { CopyOutcome } from '#core/mirroring/copy-outcome.ts';
import { createOciClient, type OciClient } from '#oci/client.ts';
import { startRegistry, type TestRegistry } from './registry.ts';
import { namedRegistries } from './registry-ports.ts';
import { makeAuthority, type ServerCertificate } from './tls.ts';

/** Two real registries, and copiers that are closed with them. */
export interface CopierStage {
  /** Both speak plain HTTP: what stands in front of them has TLS. */
  readonly source: TestRegistry;
  readonly target: TestRegistry;
  readonly tls: ServerCertificate & { readonly authorityPem: string };
  /** A copier that trusts the stage's authority at `hosts`. */
  readonly makeCopier: (...hosts: readonly string[]) => TestCopier;
  readonly closeCopiers: () => Promise<void>;
  readonly close: () => Promise<void>;
}

/** The copier, asked for one whole image at a time. */
export interface TestCopier {
  readonly copy: (what: {
    readonly source: ImageReference;
    readonly target: ImageReference;
    readonly credentials?: readonly Credential[];
  }) => Promise<CopyOutcome>;
}

/** The longest that a copy of a test takes. */
const withinMs = 30_000;

/** Starts the registries. */
export async function startCopierStage(): Promise<CopierStage> {
  const authority = await makeAuthority();
  const tls = { ...(await authority.issue()), authorityPem: authority.pem };
  const [source, target] = await Promise.all([startRegistry(), startRegistry()]);
  const clients: OciClient[] = [];
  const closeCopiers = async (): Promise<void> => {
    await Promise.all(clients.splice(0).map((client) => client.close()));
  };
  return {
    ...{ source, target, tls, closeCopiers },
    makeCopier: (...hosts) => {
      const trusted = hosts.map((host) => [host, { caFile: authority.pem }] as const);
      const client = createOciClient({ registries: namedRegistries(Object.fromEntries(trusted)) });
      clients.push(client);
      return {
        copy: async ({ source: from, target: to, credentials = [] }) =>
          await client.copier.copy(
            {
              ...{ source: from, sourceCredentials: credentials },
              ...{ target: to, targetCredentials: credentials, platforms: 'all' },
            },
            AbortSignal.timeout(withinMs),
          ),
      };
    },
    close: async () => {
      await closeCopiers();
      for (const registry of [source, target]) await registry.remove();
    },
  };
}
