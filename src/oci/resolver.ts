import { Resolver } from 'node:dns/promises';
import { readFileSync } from 'node:fs';
import { isIP } from 'node:net';
import { NameError, type ResolveName } from './names.ts';
import {
  namesToAsk,
  parseHosts,
  parseResolverSettings,
  type ResolverSettings,
} from './resolver-files.ts';

/** Where the machine says how names are resolved. */
export interface ResolverFiles {
  readonly hosts: string;
  readonly settings: string;
}

const SYSTEM_FILES: ResolverFiles = { hosts: '/etc/hosts', settings: '/etc/resolv.conf' };
/** As Go has it: a cluster changes these files rarely, and never urgently. */
const FILES_MEMORY_MS = 5_000;
/** RFC 8305 §3: how long the other family's addresses are waited for once one has some. */
const RESOLUTION_DELAY_MS = 50;
/** RFC 6761 §6.3: what this name is, whatever a DNS server says. */
const LOCALHOST = ['127.0.0.1', '::1'];

/**
 * Resolves names as every other program of a cluster does (`/etc/hosts`, then DNS with the search
 * list and options of `/etc/resolv.conf`), over sockets of its own: the system's resolver has four
 * threads for the whole process, and a name whose server is silent holds one for 10 s and more.
 */
export function createSystemResolver(files: ResolverFiles = SYSTEM_FILES): ResolveName {
  const readFiles = remembered(() => ({
    hosts: parseHosts(readText(files.hosts)),
    settings: parseResolverSettings(readText(files.settings)),
  }));
  let turn = 0;
  return async (hostname, signal) => {
    const { hosts, settings } = readFiles();
    const name = hostname.toLowerCase().replace(/\.$/, '');
    const written = hosts.get(name) ?? (name === 'localhost' ? LOCALHOST : undefined);
    if (written !== undefined) return written;
    if (settings.rotate) turn += 1;
    return await askServers(hostname, settings, { signal, turn });
  };
}

/** A resolver for this look-up alone, so that it can be ended alone. */
async function askServers(
  hostname: string,
  settings: ResolverSettings,
  { signal, turn }: { readonly signal: AbortSignal; readonly turn: number },
): Promise<readonly string[]> {
  const { timeoutMs, attempts, servers } = settings;
  const resolver = new Resolver({ timeout: timeoutMs, tries: attempts, maxTimeout: timeoutMs });
  const first = turn % servers.length;
  resolver.setServers([...servers.slice(first), ...servers.slice(0, first)]);
  const cancel = (): void => resolver.cancel();
  signal.addEventListener('abort', cancel, { once: true });
  try {
    let isKnown = true;
    for (const name of namesToAsk(hostname, settings)) {
      if (signal.aborted) break;
      const answer = await askBoth(resolver, name);
      if (answer.addresses.length > 0) return answer.addresses;
      isKnown &&= answer.isKnown;
    }
    throw new NameError(hostname, isKnown && !signal.aborted ? 'ENOTFOUND' : 'EAI_AGAIN');
  } finally {
    signal.removeEventListener('abort', cancel);
  }
}

/** What a server said of a name. */
interface Answer {
  readonly addresses: readonly string[];
  /** That there is nothing was said, not only met with silence or an error. */
  readonly isKnown: boolean;
  /** That the name itself is not there was said, which holds for both families (RFC 8020). */
  readonly isNoName: boolean;
}

/**
 * IPv4 first: many clusters have IPv6 addresses without a way out. Some servers leave questions for
 * one family unanswered, or deny the whole name: neither may hold up the other or stand for it.
 */
async function askBoth(resolver: Resolver, name: string): Promise<Answer> {
  const four = readAnswer(resolver.resolve4(name));
  const six = readAnswer(resolver.resolve6(name));
  const first = await Promise.race([four, six]);
  const both = Promise.all([four, six]).then(([ipv4, ipv6]) => ({
    addresses: [...ipv4.addresses, ...ipv6.addresses],
    isKnown: ipv4.isKnown && ipv6.isKnown,
    isNoName: ipv4.isNoName && ipv6.isNoName,
  }));
  if (first.addresses.length === 0 && !first.isNoName) return await both;
  const { promise: late, resolve } = Promise.withResolvers<Answer>();
  const timer = setTimeout(() => resolve(first), RESOLUTION_DELAY_MS);
  const answer = await Promise.race([both, late]);
  clearTimeout(timer);
  return answer;
}

async function readAnswer(asked: Promise<readonly string[]>): Promise<Answer> {
  try {
    const addresses = (await asked).filter((address) => isIP(address) !== 0);
    return { addresses, isKnown: true, isNoName: false };
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined;
    // A name that cannot be written in a question is one that nobody has.
    const isNoName = code === 'ENOTFOUND' || code === 'EBADNAME';
    return { addresses: [], isKnown: isNoName || code === 'ENODATA', isNoName };
  }
}

function remembered<T>(read: () => T): () => T {
  let known: { readonly value: T; readonly untilMs: number } | undefined;
  return () => {
    const nowMs = performance.now();
    if (known === undefined || known.untilMs <= nowMs) {
      known = { value: read(), untilMs: nowMs + FILES_MEMORY_MS };
    }
    return known.value;
  };
}

/** A file that is not there says nothing, as for every other resolver. */
function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}
