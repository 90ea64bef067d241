import { isIP } from 'node:net';

/** What a request says about who sent it. */
export interface Sender {
  readonly host: string | undefined;
  readonly origin: string | undefined;
}

/**
 * Why a request is refused, or `undefined` (behaviour §9): a web page must not read the debug port
 * over a port-forward. Loopback names and the address listened on are right, at any port; any other
 * `Host` is another site's name for us, any other `Origin` is another site.
 */
export function foreignSender(sender: Sender, listenedOn: string): string | undefined {
  const host = hostOf(`http://${sender.host ?? ''}`);
  if (!isOurs(host, listenedOn)) {
    return `expected Host to be a loopback name or ${listenedOn}, got ${quote(sender.host)}`;
  }
  if (sender.origin === undefined) return undefined;
  if (isOurs(hostOf(sender.origin), listenedOn)) return undefined;
  return `expected no Origin, or a loopback one, got ${quote(sender.origin)}`;
}

function hostOf(url: string): string | undefined {
  if (!URL.canParse(url)) return undefined;
  const { hostname, username, pathname } = new URL(url);
  return username === '' && pathname === '/' ? hostname.replace(/^\[|\]$/g, '') : undefined;
}

function isOurs(host: string | undefined, listenedOn: string): boolean {
  if (host === undefined || host === '') return false;
  if (host === 'localhost' || host === '::1') return true;
  if (isIP(host) === 4 && host.startsWith('127.')) return true;
  const own = hostOf(`http://${isIP(listenedOn) === 6 ? `[${listenedOn}]` : listenedOn}`);
  return host === own && own !== '0.0.0.0' && own !== '::';
}

function quote(text: string | undefined): string {
  return text === undefined ? 'none' : JSON.stringify(text.slice(0, 100));
}
