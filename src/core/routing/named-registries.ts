import type { KuikResource } from '#api/kinds.ts';
import { registryHost } from '#core/image/registry-host.ts';
import type { RoutingTable } from './table.ts';

/** The registries that cluster-scoped resources name, under their one name each. */
export function namedRegistries({ entries }: Pick<RoutingTable, 'entries'>): ReadonlySet<string> {
  const named = [...entries.values()].flatMap(({ resource }) => namesOf(resource));
  return new Set(named.map(({ registry }) => registryHost(registry)));
}

function namesOf({ kind, spec }: KuikResource): readonly { readonly registry: string }[] {
  if (kind === 'ClusterReplicatedImageSet') return spec?.upstreams ?? [];
  return kind === 'ClusterImageSetMirror' ? (spec?.mirrors ?? []) : [];
}
