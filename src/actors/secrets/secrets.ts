import type { RoutingTableKeeper } from '#actors/keep-routing-table.ts';
import type { KuikSystem } from '#actors/system.ts';
import type { WatchedResources } from '#actors/watch-resources.ts';
import type { KubeClient } from '#kube/client.ts';
import { secretCopiesLogic } from './keep-secret-copies.ts';
import { SecretPlacer } from './secret-placer.ts';
import { SecretReader } from './secret-reader.ts';
import { addSecretSources, type SecretSources } from './secret-sources.ts';

/** Adds the Secrets: read and copied for Pods; followed, and their copies kept, by the leader. */
export function addSecrets(system: KuikSystem, options: SecretsOptions): Secrets {
  const { runtime } = system;
  const reader = new SecretReader(runtime, options.client);
  const placer = new SecretPlacer(runtime, options.client);
  const sources = addSecretSources(system, { ...options, reader });
  const copies = secretCopiesLogic(runtime, { ...options, sources, placer });
  system.whileLeading({ id: 'reconcile:secret-copies', logic: copies });
  return {
    ...{ reader, placer, sources },
    close: () => {
      reader.close();
      placer.close();
    },
  };
}

/** What Secrets are read, watched and copied with. */
export interface SecretsOptions {
  readonly client: KubeClient;
  readonly table: RoutingTableKeeper;
  readonly resources: Pick<WatchedResources, 'kuik' | 'pods'>;
}

/** What the other features ask. */
export interface Secrets {
  readonly reader: SecretReader;
  readonly placer: SecretPlacer;
  /** What the leader knows of the Secrets that resources name; for the writer of conditions, too. */
  readonly sources: SecretSources;
  /** Ends what is in flight. */
  readonly close: () => void;
}
