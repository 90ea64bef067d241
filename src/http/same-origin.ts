import { isIP } from 'node:net';
import { networkInterfaces } from 'node:os';

/** What a request says about who sent it. */
export interface Sender {
  readonly host: string | undefined;
  readonly origin: string | undefined;
}

/** By which names a listener is asked, each at any port: one may be forwarded. */
export interface OwnNames {
  /** Where it listens; every address of the machine unless told. */
  readonly address?: string;
  /** Names that whoever runs the operator says are its own (`--debug-host`). */
  readonly hosts?: readonly string[];
}

/**
 * Why a request is refused, or `undefined` (behaviour §9): a web page must not read a port over a
 * port-forward. Loopback names, the address listened on and the names that were given are right; any
 * other `Host` is another site's name for us, any other `Origin` is another site.
 */
export function foreignSender(sender: Sender, own: OwnNames): string | undefined {
  return foreignHost(sender.host, own) ?? foreignOrigin(sender.origin, own);
}

/** Why a request by this name is refused, or `undefined`. */
export function foreignHost(host: string | undefined, own: OwnNames): string | undefined {
  if (isOwn(hostOf(`http://${host ?? ''}`), own)) return undefined;
  const names = [own.address, ...(own.hosts ?? [])].filter((name) => name !== undefined);
  return `expected Host to be a loopback name${names.map((name) => ` or ${name}`).join('')}, got ${quote(host)}`;
}

/** Why a request from a page of this origin is refused, or `undefined`. */
export function foreignOrigin(origin: string | undefined, own: OwnNames): string | undefined {
  if (origin === undefined || isOwn(hostOf(origin), own)) return undefined;
  return `expected no Origin, or a loopback one, got ${quote(origin)}`;
}

/** Whether only processes of the same machine reach an address. */
export function isLoopback(address: string | undefined): boolean {
  if (address === undefined) return false;
  const host = address.toLowerCase().replace(/^::ffff:/, '');
  return host === 'localhost' || host === '::1' || (isIP(host) === 4 && host.startsWith('127.'));
}

function isOwn(host: string | undefined, { address, hosts = [] }: OwnNames): boolean {
  if (host === undefined || host === '') return false;
  if (isLoopback(host)) return true;
  if (hosts.some((name) => hostOf(`http://${name}`) === host)) return true;
  return isEverywhere(address) ? isOfMachine(host) : hostOf(urlOf(address)) === host;
}

function isEverywhere(address: string | undefined): address is undefined {
  return address === undefined || address === '0.0.0.0' || address === '::';
}

function isOfMachine(host: string): boolean {
  const addresses = Object.values(networkInterfaces()).flatMap((all = []) => all);
  return addresses.some(({ address }) => hostOf(urlOf(address)) === host);
}

/** The host of a URL as browsers write it, without brackets; nothing where there is more in it. */
function hostOf(url: string): string | undefined {
  if (!URL.canParse(url)) return undefined;
  const { hostname, username, pathname } = new URL(url);
  return username === '' && pathname === '/' ? hostname.replace(/^\[|\]$/g, '') : undefined;
}

function urlOf(address: string): string {
  return `http://${isIP(address) === 6 ? `[${address}]` : address}`;
}

function quote(text: string | undefined): string {
  return text === undefined ? 'none' : JSON.stringify(text.slice(0, 100));
}
