import { BoundedMap } from '#core/bounded-map.ts';
import type { Credential } from '#core/credentials.ts';
import { fail, type Result, succeed } from '#core/result.ts';
import { writtenZone } from './addresses.ts';
import type { Connections } from './connections.ts';
import type { RegistrySettings } from './dispatchers.ts';
import { type OciFailure, outOfTime, ProtocolError, spokeNoTls, translateError } from './errors.ts';
import { type ExchangeRequest, exchange, type Lead, type TransportAnswer } from './exchange.ts';
import { readQuota } from './quota.ts';

/** One request on behalf of one registry, which has its one name here (`registryHost`). */
export interface TransportRequest extends ExchangeRequest {
  /** A path on the registry itself, or where an answer sent us to. */
  readonly target: string | Lead;
  /** Whose quota it counts against; absent where nobody's name is said. Never sent from here. */
  readonly asker?: Credential;
}

/** What the transport stands on. */
export interface TransportOptions {
  readonly connections: Connections;
  /** The settings of a registry; `undefined` where the configuration does not name it. */
  readonly settingsOf: (registry: string) => RegistrySettings | undefined;
  /** Told of what answers state of the quota of whoever asked, limit and rest. */
  readonly onQuota?: (registry: string, quota: StatedQuota, asker?: Credential) => void;
  /** Wall time in ms, that spans are counted from; needed where `onQuota` is. */
  readonly nowMs?: () => number;
}

/** What a registry states of the quota of whoever asked. */
export interface StatedQuota {
  readonly limit: number;
  readonly remaining: number;
  /** Wall time in ms since the epoch at which it is whole again, where that is said. */
  readonly resetAtMs?: number;
}

/** Loopback registries remembered as plain HTTP; there are few ports in use on one machine. */
const PLAIN_HOSTS_MAX = 512;
/** Docker Hub's registry is not at the name that images carry (behaviour §4). */
const DOCKER_HUB_HOST = 'registry-1.docker.io';

/** How one request is called off, and whether anything was answered to it. */
interface Attempt {
  readonly signal: AbortSignal;
  readonly onHeard: () => void;
}

/** Sends requests: https or plain HTTP, redirects, bounded bodies. No credentials of its own. */
export class Transport {
  readonly #options: TransportOptions;
  readonly #plainHosts = new BoundedMap<string, true>(PLAIN_HOSTS_MAX);

  /** Sends over the given connections. */
  constructor(options: TransportOptions) {
    this.#options = options;
  }

  /** An answer of any status, or why there is none. */
  async send(
    request: TransportRequest,
    signal: AbortSignal,
  ): Promise<Result<TransportAnswer, OciFailure>> {
    const { registry } = request;
    if (signal.aborted) return fail(outOfTime(registry));
    let answered = false;
    const onHeard = (): void => {
      answered = true;
      request.onHeard?.();
    };
    try {
      const answer = await this.#sendOnce(request, { signal, onHeard });
      this.#tellQuota(request, answer);
      return succeed(answer);
    } catch (error) {
      const failure = signal.aborted ? outOfTime(registry) : translateError(error, registry);
      return fail(answered ? afterAnswer(failure) : failure);
    }
  }

  #tellQuota({ registry, asker }: TransportRequest, { headers, foreign }: TransportAnswer): void {
    const { onQuota, nowMs = Date.now } = this.#options;
    // Most answers state none: looking costs nothing then.
    if (onQuota === undefined || foreign || headers['ratelimit-limit'] === undefined) return;
    const { quotaLimit, quotaRemaining, quotaResetAtMs } = readQuota(headers, nowMs());
    if (quotaLimit === undefined || quotaRemaining === undefined) return;
    const reset = quotaResetAtMs === undefined ? {} : { resetAtMs: quotaResetAtMs };
    onQuota(registry, { limit: quotaLimit, remaining: quotaRemaining, ...reset }, asker);
  }

  async #sendOnce(request: TransportRequest, attempt: Attempt): Promise<TransportAnswer> {
    const { registry, target } = request;
    const isPlain =
      this.#options.settingsOf(registry)?.plainHTTP === true ||
      this.#plainHosts.get(registry) === true;
    // A URL that an answer sent us to says itself how it is spoken to.
    if (typeof target !== 'string') {
      return await this.#sendOver(isPlain ? 'http' : 'https', request, attempt);
    }
    return isPlain
      ? await this.#sendPlain(request, attempt)
      : await this.#sendSecure(request, attempt);
  }

  async #sendPlain(request: TransportRequest, attempt: Attempt): Promise<TransportAnswer> {
    const forget = (): void => this.#plainHosts.delete(request.registry);
    const answer = await this.#sendOver('http', request, attempt).catch((error: unknown) => {
      forget();
      throw error;
    });
    // 400 is what a server that has learnt TLS meanwhile says to plain HTTP.
    if (answer.status === 400) forget();
    return answer;
  }

  async #sendSecure(request: TransportRequest, attempt: Attempt): Promise<TransportAnswer> {
    const { registry } = request;
    try {
      return await this.#sendOver('https', request, attempt);
    } catch (error) {
      if (attempt.signal.aborted || !isLoopback(registry) || !spokeNoTls(error)) throw error;
      const answer = await this.#sendOver('http', request, attempt);
      this.#plainHosts.set(registry, true);
      return answer;
    }
  }

  async #sendOver(
    scheme: 'http' | 'https',
    request: TransportRequest,
    attempt: Attempt,
  ): Promise<TransportAnswer> {
    const { registry, target } = request;
    const { connections, settingsOf } = this.#options;
    const host = registry === 'docker.io' ? DOCKER_HUB_HOST : registry;
    const own = registryUrl(`${scheme}://${host}/`);
    return await exchange({
      ...{ request, own, connections, ...attempt },
      // One that the configuration does not name may be anywhere but on our own loopback.
      ownZone: settingsOf(registry) === undefined ? 'private' : 'loopback',
      target: typeof target === 'string' ? new URL(target, own) : target,
    });
  }
}

/** A failure after an answer is not the registry's silence. */
export function afterAnswer(failure: OciFailure): OciFailure {
  return failure.kind === 'connection' ? { ...failure, answered: true } : failure;
}

/** Whether a registry is this machine itself, by its spelling alone. */
function isLoopback(registry: string): boolean {
  return writtenZone(registryUrl(`https://${registry}/`).hostname) === 'loopback';
}

/** A host that passed as one in a reference but is none to a URL is an outcome, not a bug. */
function registryUrl(text: string): URL {
  const url = URL.parse(text);
  if (url === null) throw new ProtocolError('expected a host name, got one that no URL can carry');
  return url;
}
