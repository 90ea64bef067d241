import type { Credential } from '#core/credentials.ts';
import type { ImageReference } from '#core/image/reference.ts';
import { createOciClient, type OciClient, type OciClientOptions } from '#oci/client.ts';
import type { FaultAuthOptions } from './fault-auth.ts';
import { type PushedManifest, pushImage } from './images.ts';
import { startRegistry, type TestRegistry } from './registry.ts';
import { namedRegistries } from './registry-ports.ts';
import { registryPassword } from './registry-request.ts';
import { makeAuthority, type ServerCertificate } from './tls.ts';

/** Who is let in everywhere. */
export const alice: Credential = {
  source: 'team/pull',
  username: 'alice',
  password: registryPassword,
};

/** Who is let in nowhere. */
export const mallory: Credential = { ...alice, source: 'team/wrong', password: 'wrong' };

/** A registry that gives tokens, to alice alone. */
export const bearer: FaultAuthOptions = { kind: 'bearer', users: { alice: alice.password } };

/** Real registries of each kind, all with `team/app:1`, and clients that are closed with them. */
export interface OciStage {
  readonly tls: ServerCertificate & { readonly authorityPem: string };
  readonly plain: TestRegistry;
  readonly secure: TestRegistry;
  /** TLS and a htpasswd file that knows alice. */
  readonly guarded: TestRegistry;
  readonly image: PushedManifest;
  /** A client that trusts the stage's authority at `hosts` and the registries of the stage. */
  readonly makeClient: (options?: OciClientOptions, ...hosts: readonly string[]) => OciClient;
  readonly closeClients: () => Promise<void>;
  readonly close: () => Promise<void>;
}

/** Starts the registries and pushes the image. */
export async function startOciStage(): Promise<OciStage> {
  const authority = await makeAuthority();
  const tls = { ...(await authority.issue()), authorityPem: authority.pem };
  const [plain, secure, guarded] = await Promise.all([
    startRegistry(),
    startRegistry({ tls }),
    startRegistry({ tls, users: [alice.username] }),
  ]);
  const image = await pushImage(plain, 'team/app:1');
  for (const registry of [secure, guarded]) await pushImage(registry, 'team/app:1');
  const clients: OciClient[] = [];
  const closeClients = async (): Promise<void> => {
    await Promise.all(clients.splice(0).map((client) => client.close()));
  };
  return {
    ...{ tls, plain, secure, guarded, image, closeClients },
    makeClient: (options = {}, ...hosts) => {
      const trusting = [secure.host, guarded.host, ...hosts];
      const client = createOciClient({
        ...options,
        registries: namedRegistries(
          options.registries ??
            Object.fromEntries(trusting.map((host) => [host, { caFile: authority.pem }])),
        ),
      });
      clients.push(client);
      return client;
    },
    close: async () => {
      await closeClients();
      for (const registry of [plain, secure, guarded]) await registry.remove();
    },
  };
}

/** `team/app:1`, or another repository, on a registry. */
export function imageOn({ host }: { readonly host: string }, path = 'team/app'): ImageReference {
  return { registry: host, path, tag: '1' };
}

/** A HEAD for it. */
export function head(reference: ImageReference, credential?: Credential) {
  return { reference, method: 'HEAD', ...(credential !== undefined && { credential }) } as const;
}

/** Longer than anything here takes. */
export function soon(): AbortSignal {
  return AbortSignal.timeout(10_000);
}
