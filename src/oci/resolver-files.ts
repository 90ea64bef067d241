import { isIP } from 'node:net';

/** What `/etc/resolv.conf` says of how names are resolved (resolv.conf(5)). */
export interface ResolverSettings {
  /** Addresses, with a port where that is not 53. */
  readonly servers: readonly string[];
  /** What is appended to a name, in this order. */
  readonly search: readonly string[];
  /** From so many dots on a name is tried as it stands first. */
  readonly ndots: number;
  /** How long one server has for one question. */
  readonly timeoutMs: number;
  /** How often all of them are asked. */
  readonly attempts: number;
  /** Whether each look-up begins with another server. */
  readonly rotate: boolean;
}

/** As glibc and Go have it: more are not asked. */
const SERVERS_MAX = 3;
const NDOTS_MAX = 15;
const TIMEOUT_S_MAX = 30;
const ATTEMPTS_MAX = 5;
/** A machine that names no server has one of its own (resolv.conf(5)). */
const SERVERS_DEFAULT = ['127.0.0.1'];

/** Reads a resolv.conf; what it does not say is as glibc and Go have it. */
export function parseResolverSettings(text: string): ResolverSettings {
  const lines = linesOf(text);
  const valuesOf = (...keywords: readonly string[]) =>
    lines.filter(([keyword = '']) => keywords.includes(keyword));
  const servers = valuesOf('nameserver')
    .map(([, server]) => server)
    .filter(isServer);
  // The last of them counts; `domain` is the older word and has one.
  const [keyword, ...domains] = valuesOf('search', 'domain').at(-1) ?? [];
  const search = keyword === 'domain' ? domains.slice(0, 1) : domains;
  const options = new Map(valuesOf('options').flatMap(([, ...words]) => words.map(readOption)));
  return {
    servers: servers.length === 0 ? SERVERS_DEFAULT : servers.slice(0, SERVERS_MAX),
    search: search.map((domain) => domain.replace(/\.$/, '')).filter((domain) => domain !== ''),
    ndots: count(options.get('ndots'), { min: 0, max: NDOTS_MAX, unset: 1 }),
    timeoutMs: count(options.get('timeout'), { min: 1, max: TIMEOUT_S_MAX, unset: 5 }) * 1000,
    attempts: count(options.get('attempts'), { min: 1, max: ATTEMPTS_MAX, unset: 2 }),
    rotate: options.has('rotate'),
  };
}

/** Reads `/etc/hosts`: the addresses of each name, in their order. */
export function parseHosts(text: string): ReadonlyMap<string, readonly string[]> {
  const hosts = new Map<string, string[]>();
  for (const [address = '', ...names] of linesOf(text)) {
    if (isIP(address.replace(/%.*$/, '')) === 0) continue;
    for (const name of names) {
      const key = name.toLowerCase().replace(/\.$/, '');
      hosts.set(key, [...(hosts.get(key) ?? []), address]);
    }
  }
  return hosts;
}

/** The full names to ask for, in their order: `ndots` says whether the name itself comes first. */
export function namesToAsk(
  hostname: string,
  { search, ndots }: Pick<ResolverSettings, 'search' | 'ndots'>,
): readonly string[] {
  if (hostname.endsWith('.')) return [hostname.slice(0, -1)];
  const dots = hostname.split('.').length - 1;
  const suffixed = search.map((domain) => `${hostname}.${domain}`);
  return dots >= ndots ? [hostname, ...suffixed] : [...suffixed, hostname];
}

function linesOf(text: string): readonly (readonly string[])[] {
  return text
    .split('\n')
    .map((line) => line.replace(/[#;].*$/, '').trim())
    .filter((line) => line !== '')
    .map((line) => line.split(/\s+/));
}

function isServer(text: string | undefined): text is string {
  const bare = text?.replace(/^\[(.*)\](:\d+)?$/, '$1').replace(/^([\d.]+):\d+$/, '$1') ?? '';
  return isIP(bare.replace(/%.*$/, '')) !== 0;
}

function readOption(option: string): readonly [string, string] {
  const [name = '', value = ''] = option.split(':');
  return [name, value];
}

function count(
  text: string | undefined,
  { min, max, unset }: { readonly min: number; readonly max: number; readonly unset: number },
): number {
  return text === undefined || !/^\d{1,9}$/.test(text)
    ? unset
    : Math.min(Math.max(Number(text), min), max);
}
