import type { KuikResource } from '#api/kinds.ts';
import { compare } from '#core/compare.ts';
import { registryHost } from '#core/image/registry-host.ts';
import type { RegistryView } from './registry-view.ts';

/** Registries, joined by the resources that make them stand in for each other. */
export interface RegistryMap {
  readonly nodes: readonly MapNode[];
  readonly edges: readonly MapEdge[];
  /** All there are; the lists are cut. */
  readonly nodesTotal: number;
  readonly edgesTotal: number;
}

/** What a registry is on the map. */
export interface MapNode extends Pick<RegistryView, 'host' | 'circuit' | 'since' | 'pods'> {
  /** `origin`: Pods run from it; `upstream`: a set names it; `mirror`: copies go there. */
  readonly roles: readonly MapRole[];
}

/** Why a registry is on the map. */
export type MapRole = 'origin' | 'upstream' | 'mirror';

/** `to` stands in for `from`; of a set's upstreams each does for the other, and is told once. */
export interface MapEdge {
  readonly from: string;
  readonly to: string;
  readonly by: readonly ResourceName[];
}

/** A resource as people name it. */
export interface ResourceName {
  readonly kind: string;
  readonly namespace?: string;
  readonly name: string;
}

/** Two registries are joined by so many resources at most on the map. */
const byMax = 20;
/** No screen shows more. */
const nodesMax = 200;
const edgesMax = 1_000;

/**
 * Draws the map: a set joins each of its upstreams to those declared beside it, a mirror all
 * registries from which Pods run to its destinations.
 */
export function registryMap(
  resources: Iterable<KuikResource>,
  registries: readonly RegistryView[],
): RegistryMap {
  const roles = new Map<string, Set<MapRole>>();
  const edges = new Edges();
  const take = (host: string, role: MapRole): string => {
    const name = registryHost(host);
    roles.set(name, (roles.get(name) ?? new Set()).add(role));
    return name;
  };
  const origins = registries.filter(({ pods }) => pods > 0).map(({ host }) => take(host, 'origin'));
  for (const resource of resources) {
    const { by, upstreams, mirrors } = readResource(resource);
    const named = upstreams.map(({ registry }) => take(registry, 'upstream')).sort();
    for (const [index, from] of named.entries()) edges.join(from, named.slice(index + 1), by);
    const targets = mirrors.map(({ registry }) => take(registry, 'mirror'));
    for (const from of origins) edges.join(from, targets, by);
  }
  return cut(roles, edges.all(), registries);
}

/** The edges so far, each once. */
class Edges {
  readonly #edges = new Map<string, MapEdge>();

  readonly join = (from: string, targets: readonly string[], by: ResourceName): void => {
    for (const to of targets) {
      if (from === to) continue;
      const key = `${from} ${to}`;
      const known = this.#edges.get(key)?.by ?? [];
      // A resource names a registry once an upstream, and comes here in one go.
      if (known.at(-1) === by || known.length >= byMax) continue;
      this.#edges.set(key, { from, to, by: [...known, by] });
    }
  };

  readonly all = (): readonly MapEdge[] => [...this.#edges.values()];
}

function cut(
  roles: ReadonlyMap<string, ReadonlySet<MapRole>>,
  edges: readonly MapEdge[],
  registries: readonly RegistryView[],
): RegistryMap {
  const views = new Map(registries.map((view) => [view.host, view]));
  const nodes = [...roles]
    .map(([host, has]) => {
      const { circuit = 'Closed', since = null, pods = 0 } = views.get(host) ?? {};
      return { host, circuit, since, pods, roles: [...has].sort() };
    })
    .sort((left, right) => right.pods - left.pods || compare(left.host, right.host));
  const shown = nodes.slice(0, nodesMax);
  const hosts = new Set(shown.map(({ host }) => host));
  const kept = edges.filter(({ from, to }) => hosts.has(from) && hosts.has(to));
  return {
    nodes: shown,
    edges: kept.slice(0, edgesMax),
    nodesTotal: nodes.length,
    edgesTotal: edges.length,
  };
}

type Located = { readonly registry: string };

function readResource({ kind, metadata, spec }: KuikResource): {
  readonly by: ResourceName;
  readonly upstreams: readonly Located[];
  readonly mirrors: readonly Located[];
} {
  const { name, namespace } = metadata;
  const by = { kind, name, ...(namespace !== undefined && { namespace }) };
  const { upstreams = [], mirrors = [] } = (spec ?? {}) as {
    readonly upstreams?: readonly Located[];
    readonly mirrors?: readonly Located[];
  };
  return { by, upstreams, mirrors };
}
