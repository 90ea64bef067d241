import { BlockList, isIP } from 'node:net';

/**
 * Where an address is, the nearest to us last; `metadata` is where clouds serve what only this
 * machine may know.
 */
export type Zone = (typeof ZONES)[number];

const ZONES = ['public', 'private', 'loopback', 'metadata'] as const;

/** A connection that our own rules refuse: no registry may lead us there. */
export class ForbiddenError extends Error {
  readonly code = 'KUIK_FORBIDDEN';
}

/**
 * Behaviour §4: who is `from` one zone may lead to the same one or one further away, never nearer;
 * nobody is from where the metadata are.
 */
export function mayLead(from: Zone, to: Zone): boolean {
  return to !== 'metadata' && ZONES.indexOf(to) <= ZONES.indexOf(from);
}

/** The one of two zones that is further away: of a chain of hosts the one that may do least. */
export function furthest(one: Zone | undefined, other: Zone): Zone {
  return one === undefined || mayLead(one, other) ? other : one;
}

/** How an IPv4 address is written as an IPv6 one; BlockList itself knows `::ffff:`. */
const IPV4_WITHIN_IPV6 = ['::', '64:ff9b::'];

const METADATA = listOf(
  '169.254.0.0/16',
  'fe80::/10',
  'fd00:ec2::254/128',
  '168.63.129.16/32',
  '100.100.100.200/32',
);
/** The unspecified addresses too: who connects to them reaches itself. */
const LOOPBACK = listOf('127.0.0.0/8', '0.0.0.0/8', '::1/128', '::/128');
const PRIVATE = listOf(
  '10.0.0.0/8',
  '172.16.0.0/12',
  '192.168.0.0/16',
  // Shared by carriers (RFC 6598), and by clusters whose own networks are used up.
  '100.64.0.0/10',
  '192.0.0.0/24',
  '198.18.0.0/15',
  'fc00::/7',
  'fec0::/10',
);

/** Where an address is; an IPv6 one may have brackets and a zone of its own. */
export function zoneOf(address: string): Zone {
  const bare = address.replace(/^\[|\]$/g, '').replace(/%.*$/, '');
  const family = isIP(bare) === 4 ? 'ipv4' : 'ipv6';
  if (METADATA.check(bare, family)) return 'metadata';
  if (LOOPBACK.check(bare, family)) return 'loopback';
  return PRIVATE.check(bare, family) ? 'private' : 'public';
}

/** Where a host of a URL is as far as its spelling tells: a name says so only if it is `localhost`. */
export function writtenZone(hostname: string): Zone | undefined {
  if (/^(.*\.)?localhost\.?$/.test(hostname)) return 'loopback';
  return isIP(hostname.replace(/^\[|\]$/g, '').replace(/%.*$/, '')) === 0
    ? undefined
    : zoneOf(hostname);
}

const WORDS: Readonly<Record<Exclude<Zone, 'public'>, string>> = {
  private: 'is a private address, to which no registry at a public one may lead',
  loopback: "is this process's own loopback, which only what `registries` names may be at",
  metadata: 'is link-local or serves metadata, which is never connected to',
};

/** Why a place is refused: what it is, in words for whoever reads the status. */
export function forbidden(place: string, zone: Zone): ForbiddenError {
  return new ForbiddenError(`${place} ${zone === 'public' ? 'is refused' : WORDS[zone]}`);
}

function listOf(...subnets: readonly string[]): BlockList {
  const list = new BlockList();
  for (const subnet of subnets) {
    const [network = '', bits = ''] = subnet.split('/');
    if (isIP(network) === 6) {
      list.addSubnet(network, Number(bits), 'ipv6');
      continue;
    }
    list.addSubnet(network, Number(bits), 'ipv4');
    for (const prefix of IPV4_WITHIN_IPV6) {
      list.addSubnet(`${prefix}${network}`, 96 + Number(bits), 'ipv6');
    }
  }
  return list;
}
