import { memoize } from './bounded-map.ts';
import { globMatches } from './glob.ts';

/** A key of a docker config, read as the kubelet reads it: a host with globs, and a path. */
export interface CredentialKey {
  /** Host, port and path: what keys are sorted by, and what makes two spellings one. */
  readonly text: string;
  /** Labels of the host, each a glob. */
  readonly labels: readonly string[];
  /** Empty where none is written. */
  readonly port: string;
  /** A prefix of text, not of segments. */
  readonly path: string;
}

/** Longest key that is read: the longest host and path are under 600 characters together. */
const KEY_CHARACTERS_MAX = 1024;

/** Reads a key with or without its scheme; `undefined` where it is no URL. */
export function readCredentialKey(written: string): CredentialKey | undefined {
  if (written.length > KEY_CHARACTERS_MAX) return undefined;
  const url = splitUrl(written.replace(/^https?:\/\//, ''));
  if (url === undefined) return undefined;
  // `/v1/` and `/v2/` mean the host, or what follows them on it.
  const path = url.path.replace(/^\/v[12]\//, '/');
  const text = path === '/' ? url.host : `${url.host}${path}`;
  // The kubelet reads its own index anew for each image, escapes undone by then.
  const parts = splitUrl(text);
  return parts === undefined ? undefined : { text, ...splitHost(parts.host), path: parts.path };
}

/** Whether host and port of the key are those of a registry. */
export function keyServesRegistry(key: CredentialKey, registry: string): boolean {
  const { labels, port } = hostOf(registry);
  return (
    key.port === port &&
    key.labels.length === labels.length &&
    key.labels.every((glob, index) => globMatches(glob, labels[index] ?? ''))
  );
}

/** Registries are few, and each is asked about once a key. */
const hostOf = memoize(256, splitHost);

/** Characters that Go's URL parser takes in a host. */
const HOST = /^[A-Za-z0-9\-_.~!$&'()*+,;=:[\]<>"\u{80}-\u{10ffff}]*$/u;
const CONTROL = /\p{Cc}/u;

/** Host and path of a URL without its scheme; user, query and fragment play no part. */
function splitUrl(schemeless: string): { host: string; path: string } | undefined {
  if (CONTROL.test(schemeless)) return undefined;
  const located = schemeless.replace(/[?#].*$/s, '');
  const slash = located.indexOf('/');
  const authority = slash === -1 ? located : located.slice(0, slash);
  const host = authority.slice(authority.lastIndexOf('@') + 1);
  const path = slash === -1 ? '' : unescapePath(located.slice(slash));
  if (path === undefined || !HOST.test(host) || !hasReadablePort(host)) return undefined;
  return { host, path };
}

/** Undoes percent escapes; `undefined` where one is none. */
function unescapePath(path: string): string | undefined {
  if (/%(?![0-9a-fA-F]{2})/.test(path)) return undefined;
  return path.replaceAll(/(?:%[0-9a-fA-F]{2})+/g, (escapes) => {
    const bytes = escapes.slice(1).split('%');
    return new TextDecoder().decode(Uint8Array.from(bytes, (byte) => Number.parseInt(byte, 16)));
  });
}

/** After the brackets of an IPv6 address, or after the last colon, there are digits or nothing. */
function hasReadablePort(host: string): boolean {
  if (host.startsWith('[')) return /^\[.*\](?::[0-9]*)?$/s.test(host);
  return !host.includes(':') || /:[0-9]*$/.test(host);
}

function splitHost(host: string): { labels: readonly string[]; port: string } {
  const [, bracketed, plain, port] = /^(?:\[([^[\]]*)\]|([^:[\]]*)):([^:]*)$/.exec(host) ?? [];
  const name = bracketed ?? plain;
  if (name === undefined) return { labels: host.split('.'), port: '' };
  return { labels: name.split('.'), port: port ?? '' };
}
