import { BlockList, isIP } from 'node:net';

/** The proxy variables as the environment has them. */
export interface ProxySettings {
  readonly httpsProxy?: string | undefined;
  readonly httpProxy?: string | undefined;
  /** Comma-separated hosts, domains, addresses and CIDRs that are spoken to directly. */
  readonly noProxy?: string | undefined;
}

/** Says through which proxy a URL is reached; `undefined` means directly. */
export type ChooseProxy = (url: URL) => URL | undefined;

/**
 * Reads the proxy variables as Go does (`golang.org/x/net/http/httpproxy`), because every other
 * program of a cluster does: `foo.com` covers its sub-domains, `.foo.com` only those, a CIDR covers
 * hosts written as addresses, an entry may name a port, and loopback is never proxied. undici's own
 * environment agent knows no CIDRs.
 */
export function createProxyChooser(settings: ProxySettings): ChooseProxy {
  const http = parseProxy(settings.httpProxy);
  const https = parseProxy(settings.httpsProxy);
  const excludes = parseNoProxy(settings.noProxy ?? '');
  return (url) => {
    const proxy = url.protocol === 'https:' ? https : http;
    return proxy === undefined || excludes(targetOf(url)) ? undefined : proxy;
  };
}

function targetOf(url: URL): Target {
  const host = url.hostname.replace(/^\[|\]$/g, '').toLowerCase();
  const usualPort = url.protocol === 'https:' ? '443' : '80';
  return { host, port: url.port || usualPort, family: isIP(host) };
}

interface Target {
  readonly host: string;
  readonly port: string;
  /** 4 or 6 where the host is an address, 0 where it is a name. */
  readonly family: number;
}
type Matches = (target: Target) => boolean;

const LOOPBACK = new BlockList();
LOOPBACK.addSubnet('127.0.0.0', 8, 'ipv4');
LOOPBACK.addAddress('::1', 'ipv6');

/** A proxy without a scheme is an HTTP proxy; one that cannot be read is no proxy, as in Go. */
function parseProxy(text: string | undefined): URL | undefined {
  if (text === undefined || text === '') return undefined;
  for (const candidate of [text, `http://${text}`]) {
    const url = URL.parse(candidate);
    if (url !== null && url.hostname !== '') return url;
  }
  return undefined;
}

function parseNoProxy(text: string): Matches {
  const entries = text
    .split(',')
    .map((entry) => entry.trim().toLowerCase())
    .filter((entry) => entry !== '');
  const matchers = entries.includes('*') ? [() => true] : entries.flatMap(parseEntry);
  return (target) =>
    target.host === 'localhost' ||
    inList(LOOPBACK, target) ||
    matchers.some((matches) => matches(target));
}

function inList(list: BlockList, { host, family }: Target): boolean {
  return family !== 0 && list.check(host, family === 4 ? 'ipv4' : 'ipv6');
}

function parseEntry(entry: string): readonly Matches[] {
  const [, network = '', prefix] = /^(.*)\/(\d{1,3})$/.exec(entry) ?? [];
  if (prefix !== undefined) return cidr(network, Number(prefix));
  const [, bracketed, plain, port] = /^(?:\[(.*)\]|([^:]*)):(\d+)$/.exec(entry) ?? [];
  const host = bracketed ?? plain ?? entry.replace(/^\[|\]$/g, '');
  if (host === '') return [];
  const portMatches = (target: Target): boolean => port === undefined || port === target.port;
  if (isIP(host) !== 0) {
    const address = exactly(host);
    return [(target) => inList(address, target) && portMatches(target)];
  }
  return [(target) => target.family === 0 && domainMatches(host, target) && portMatches(target)];
}

function cidr(network: string, prefix: number): readonly Matches[] {
  const family = isIP(network);
  if (family === 0 || prefix > (family === 4 ? 32 : 128)) return [];
  const list = new BlockList();
  list.addSubnet(network, prefix, family === 4 ? 'ipv4' : 'ipv6');
  return [(target) => inList(list, target)];
}

function exactly(address: string): BlockList {
  const list = new BlockList();
  list.addAddress(address, isIP(address) === 4 ? 'ipv4' : 'ipv6');
  return list;
}

/** `*.foo.com` means what `.foo.com` means: sub-domains only. */
function domainMatches(entry: string, { host }: Target): boolean {
  const domain = entry.replace(/^\*(?=\.)/, '');
  if (domain.startsWith('.')) return host.endsWith(domain);
  return host === domain || host.endsWith(`.${domain}`);
}
