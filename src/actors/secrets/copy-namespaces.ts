import type { RoutingTableKeeper } from '#actors/keep-routing-table.ts';
import type { WatchedResources } from '#actors/watch-resources.ts';
import { BoundedMap } from '#core/bounded-map.ts';
import { declaredSecrets } from '#core/routing/declared-secrets.ts';

/** In which namespaces there may be copies of Secrets, or what they were made from. */
export class CopyNamespaces {
  readonly #options: CopyNamespacesOptions;
  /** In which Secrets were lent, as long as this process lives. */
  readonly #sources = new BoundedMap<string, string>(sourcesMax);

  constructor(options: CopyNamespacesOptions) {
    this.#options = options;
  }

  /** From every table: what is declared for a moment alone has copies all the same. */
  readonly learn = (): void => {
    for (const { resource } of this.#options.table.current().entries.values()) {
      for (const { secret } of declaredSecrets(resource)) {
        this.#sources.set(secret.namespace, secret.namespace);
      }
    }
  };

  /** Those of Pods, of resources and of lent Secrets. */
  readonly known = (): Set<string> => {
    const { pods, kuik } = this.#options.resources;
    const namespaces = new Set(this.#sources.values());
    for (const { namespace } of pods.values()) namespaces.add(namespace);
    for (const store of kuik.values()) {
      for (const { metadata } of store.values()) {
        if (metadata.namespace) namespaces.add(metadata.namespace);
      }
    }
    return namespaces;
  };
}

/** Where namespaces are read from. */
export interface CopyNamespacesOptions {
  readonly table: Pick<RoutingTableKeeper, 'current'>;
  readonly resources: Pick<WatchedResources, 'kuik' | 'pods'>;
}

/** Namespaces that Secrets were lent from; a platform keeps them in a few. */
const sourcesMax = 1_000;
