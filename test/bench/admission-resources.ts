import {
  clusterMirror,
  clusterSet,
  namespacedMirror,
  namespacedSet,
} from '#test/support/routing/resources.ts';

/** The hosts that resources speak of. */
export interface BenchHosts {
  /** Registries that answer; fourteen of them. */
  readonly live: readonly string[];
  /** Hosts that do not, each met for the first time by one measurement. */
  readonly dead: readonly string[];
}

/** Namespace of all reviews. */
export const reviewNamespace = 'default';
/** So many registries hold originals; their alternatives are on as many others. */
export const originals = 7;
/** What a cluster of some size has. */
const resourcesTotal = 200;

/** 200 resources over the hosts: those that measurements are about, and others to be passed over. */
export function benchResources(hosts: BenchHosts): readonly object[] {
  const measured = [...healthySets(hosts), ...deadSets(hosts), fourPlaces(hosts)];
  const others = Array.from({ length: resourcesTotal - measured.length }, (_, index) =>
    passedOver(hosts, index),
  );
  return [...measured, ...others];
}

/** Images whose original is there, in every registry that holds originals. */
export function healthyImages({ live }: BenchHosts, tag: string): readonly string[] {
  return live.slice(0, originals).map((host) => `${host}/healthy/app:${tag}`);
}

/** Images whose original is on one host that does not answer, with their alternatives elsewhere. */
export function deadImages(host: string, tag: string): readonly string[] {
  return Array.from({ length: originals }, (_, index) => `${host}/dead-${index}/app:${tag}`);
}

/** An image with four candidates. */
export function fourPlacesImage({ live }: BenchHosts, tag: string): string {
  return `${live[0]}/four/app:${tag}`;
}

/** An image that no resource has a word about, on a registry that many speak of. */
export function undeclaredImage({ live }: BenchHosts, tag: string): string {
  return `${live[0]}/undeclared/app:${tag}`;
}

function upstream(registry: string, path: string) {
  return { registry, path, imageFilter: { include: [`${path}/.+`] } };
}

function at(hosts: readonly string[], index: number): string {
  return hosts[index % hosts.length] ?? '';
}

function healthySets({ live }: BenchHosts): readonly object[] {
  return live.slice(0, originals).map((host, index) =>
    clusterSet(`healthy-${index}`, {
      upstreams: [upstream(host, '/healthy'), upstream(at(live, index + originals), '/healthy')],
    }),
  );
}

function deadSets({ live, dead }: BenchHosts): readonly object[] {
  return dead.flatMap((host, which) =>
    Array.from({ length: originals }, (_, index) =>
      clusterSet(`dead-${which}-${index}`, {
        upstreams: [
          upstream(host, `/dead-${index}`),
          upstream(at(live, index + originals), '/healthy'),
        ],
      }),
    ),
  );
}

function fourPlaces({ live }: BenchHosts): object {
  const upstreams = [0, 1, 2, 3].map((index) => upstream(at(live, index), '/four'));
  return clusterSet('four', { upstreams });
}

/** Of ten, five sets and two mirrors for all namespaces, two sets and a mirror for that of the reviews. */
function passedOver({ live }: BenchHosts, index: number): object {
  const path = `/others-${index}`;
  const host = at(live, index);
  const upstreams = [upstream(host, path), upstream(at(live, index + 1), path)];
  const copies = {
    imageFilter: { include: [`${host.replaceAll('.', '\\.')}${path}/.+`] },
    mirrors: [{ registry: at(live, index + 1), path: '/copies' }],
  };
  const name = `others-${index}`;
  switch (index % 10) {
    case 0:
    case 1:
      return clusterMirror(name, copies);
    case 2:
      return namespacedMirror(`${reviewNamespace}/${name}`, copies);
    case 3:
    case 4:
      return namespacedSet(`${reviewNamespace}/${name}`, { upstreams });
    default:
      return clusterSet(name, { upstreams });
  }
}
