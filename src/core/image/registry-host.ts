import { memoize } from '#core/bounded-map.ts';

/** Names remembered: each check and probe asks, and parsing costs more than all the rest. */
const registriesMax = 2_000;

/**
 * The one name of a registry that can be written in several ways: case, a trailing dot, the port
 * that https has anyway and the spellings of an address do not make another registry (behaviour
 * §10). References, filters and credentials keep them apart.
 */
export const registryHost: (registry: string) => string = memoize(registriesMax, (registry) => {
  const host = URL.parse(`https://${registry}/`)?.host ?? registry;
  return host.replace(/\.(?=:\d+$|$)/, '');
});

/** What is said of registries, found under whichever of their names is asked for; else the usual. */
export function byRegistryHost<T>(
  items: Readonly<Record<string, T>>,
  usual: T,
): (registry: string) => T {
  const known = new Map(Object.entries(items).map(([name, item]) => [registryHost(name), item]));
  return (registry) => known.get(registryHost(registry)) ?? usual;
}
