import { lookup as systemLookup } from 'node:dns';
import { BlockList, isIP, type LookupFunction } from 'node:net';

/** A connection that our own rules refuse: no registry may lead us there. */
export class ForbiddenError extends Error {
  readonly code = 'KUIK_FORBIDDEN';
}

/**
 * Link-local addresses: where clouds serve their instance credentials. Also as IPv4 within IPv6
 * (compatible, NAT64); BlockList itself sees through IPv4-mapped ones.
 */
const LINK_LOCAL = new BlockList();
LINK_LOCAL.addSubnet('169.254.0.0', 16, 'ipv4');
LINK_LOCAL.addSubnet('fe80::', 10, 'ipv6');
LINK_LOCAL.addSubnet('::a9fe:0', 112, 'ipv6');
LINK_LOCAL.addSubnet('64:ff9b::a9fe:0', 112, 'ipv6');

/** Whether an address (an IPv6 one with or without brackets and zone) is link-local. */
export function isLinkLocal(address: string): boolean {
  const bare = address.replace(/^\[|\]$/g, '').replace(/%.*$/, '');
  const family = isIP(bare);
  return family !== 0 && LINK_LOCAL.check(bare, family === 4 ? 'ipv4' : 'ipv6');
}

/** Whether a host (with or without port) is this machine itself, by its spelling alone. */
export function isLoopback(host: string): boolean {
  const name = host.replace(/:\d+$/, '');
  return name === 'localhost' || name === '[::1]' || (isIP(name) === 4 && name.startsWith('127.'));
}

/** Finds all addresses of a name; the default is the system's own. */
export type ResolveAddresses = (
  hostname: string,
  done: (error: Error | null, addresses: readonly { address: string; family: number }[]) => void,
) => void;

/** The system's resolver: `/etc/hosts` and search domains count, as for every other program. */
export const resolveBySystem: ResolveAddresses = (hostname, done) =>
  systemLookup(hostname, { all: true }, done);

/**
 * The lookup of every connection: the address that is connected to is the address that was checked,
 * so a name cannot resolve to one thing for the check and to another for the connection. Identical
 * lookups in flight are joined: the resolver has four threads for the whole process, and one name
 * that does not resolve must not take them all.
 */
export function createGuardedLookup(resolve: ResolveAddresses): LookupFunction {
  type Done = Parameters<ResolveAddresses>[1];
  const waiting = new Map<string, Done[]>();
  const join = (hostname: string, done: Done): void => {
    const others = waiting.get(hostname);
    if (others !== undefined) {
      others.push(done);
      return;
    }
    const all = [done];
    waiting.set(hostname, all);
    resolve(hostname, (error, addresses) => {
      waiting.delete(hostname);
      for (const each of all) each(error, addresses);
    });
  };
  return (hostname, options, callback) => {
    join(hostname, (error, addresses) => {
      if (error !== null) return callback(error, '');
      const allowed = addresses.filter(({ address }) => !isLinkLocal(address));
      const usable = allowed.filter(({ family }) => !options.family || options.family === family);
      const [first] = usable;
      if (first === undefined) return callback(unusable(hostname, addresses), '');
      if (options.all === true) return callback(null, usable);
      return callback(null, first.address, first.family);
    });
  };
}

function unusable(hostname: string, addresses: readonly { address: string }[]): Error {
  const refused = addresses.find(({ address }) => isLinkLocal(address));
  if (refused === undefined) {
    return Object.assign(new Error(`${hostname} has no address`), { code: 'ENOTFOUND' });
  }
  return new ForbiddenError(
    `${hostname} resolves to the link-local address ${refused.address}, which is never connected to`,
  );
}
