import type { KuikSystem } from '#actors/system.ts';
import { type SecretCopiesOptions, secretCopiesLogic } from './keep-secret-copies.ts';
import { SecretAccess } from './secret-access.ts';
import { SecretPlacer } from './secret-placer.ts';
import { SecretReader } from './secret-reader.ts';
import { addSecretSources, type SecretSourcesOptions } from './secret-sources.ts';
import { ServiceAccounts } from './service-accounts.ts';

/** Adds the Secrets: read and copied for Pods; followed, and their copies kept, by the leader. */
export function addSecrets(
  system: KuikSystem,
  options: Omit<SecretSourcesOptions & SecretCopiesOptions, 'reader' | 'sources' | 'placer'>,
) {
  const { runtime } = system;
  const reader = new SecretReader(runtime, options.client);
  const placer = new SecretPlacer(runtime, options.client);
  const access = new SecretAccess(runtime, options.client);
  const accounts = new ServiceAccounts(runtime, options.client);
  const sources = addSecretSources(system, { ...options, reader });
  const copies = secretCopiesLogic(runtime, { ...options, sources, placer });
  system.whileLeading({ id: 'reconcile:secret-copies', logic: copies });
  return {
    ...{ reader, placer, access, accounts, sources },
    /** Ends what is in flight. */
    close: () => {
      reader.close();
      placer.close();
      access.close();
      accounts.close();
    },
  };
}
