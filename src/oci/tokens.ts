import { createHash } from 'node:crypto';
import { BoundedMap } from '#core/bounded-map.ts';
import type { Credential } from '#core/credentials.ts';
import { fail, type Result, succeed } from '#core/result.ts';
import { type OciFailure, outOfTime } from './errors.ts';
import type { Lead } from './exchange.ts';
import { JointCalls } from './joint-calls.ts';
import {
  meaningOf,
  type TokenMeaning,
  type TokenReading,
  tokenRequest,
  type Way,
  waysToAsk,
} from './token-service.ts';
import type { Transport } from './transport.ts';

/** What a token is good for: the key of the cache, with the credential it was given for. */
export interface TokenScope {
  /** On whose behalf: its connections and TLS settings are used. */
  readonly registry: string;
  readonly realm: Lead;
  readonly service?: string;
  /** Scopes with a blank between them, as the challenge writes them. */
  readonly scope: string;
  readonly credential?: Credential;
  /** Whose look-ups of names its own are counted with. */
  readonly share?: string;
}

/** A token, and how it was come by. */
export interface Grant {
  readonly scope: TokenScope;
  readonly token: string;
  /** Asked for just now: that it is refused cannot be its age. */
  readonly fresh: boolean;
  /** It was given for an identity token, beside which there is a password. */
  readonly byIdentity: boolean;
}

/** What tokens need. */
export interface TokenOptions {
  readonly transport: Transport;
  /** Wall time, for Retry-After. */
  readonly nowMs: () => number;
  /** Monotonic time, for lifetimes: a jump of the wall clock must not revive a token. */
  readonly monotonicMs: () => number;
}

/** About 3 KB each on Docker Hub: 12 MB. */
const TOKENS_MAX = 4_096;
/** A token is not used in the last tenth of its life, at most this long before its end. */
const MARGIN_MS_MAX = 10_000;

interface Remembered extends Pick<Grant, 'token' | 'byIdentity'> {
  readonly expiresAtMs: number;
}

/** Fetches tokens and remembers them (distribution spec, "Token Authentication" and "OAuth2"). */
export class Tokens {
  readonly #options: TokenOptions;
  readonly #tokens = new BoundedMap<string, Remembered>(TOKENS_MAX);
  /** OAuth2 services may replace a refresh token at each use: the new one counts from then on. */
  readonly #replaced = new BoundedMap<string, string>(TOKENS_MAX);
  /** Credentials whose identity token was refused (for one scope): their password, next time. */
  readonly #refused = new BoundedMap<string, true>(TOKENS_MAX);

  readonly #joint = new JointCalls<Result<Grant, OciFailure>>();

  /** Asks over the given transport, on the given clocks. */
  constructor(options: TokenOptions) {
    this.#options = options;
  }

  /** A token that still lives, and will for `liveMsMin`, or else a new one from the token service. */
  async get(
    scope: TokenScope,
    signal: AbortSignal,
    liveMsMin = 0,
  ): Promise<Result<Grant, OciFailure>> {
    const known = this.#tokens.get(tokenKey(scope));
    if (known === undefined || known.expiresAtMs <= this.#options.monotonicMs() + liveMsMin) {
      return liveMsMin === 0 ? await this.#fetch(scope, signal) : await this.#join(scope, signal);
    }
    const { token, byIdentity } = known;
    return succeed({ scope, token, byIdentity, fresh: false });
  }

  /** The registry refused the token: whether another may be had, with what else there is. */
  refuse({ scope, token, fresh, byIdentity }: Grant): boolean {
    const key = tokenKey(scope);
    // Another request may have renewed it meanwhile.
    if (this.#tokens.get(key)?.token === token) this.#tokens.delete(key);
    if (!fresh) return true;
    // For this scope alone: for another it may be worth more than the password.
    if (byIdentity) this.#refused.set(key, true);
    else this.#refused.delete(key);
    return byIdentity;
  }

  /** The blobs of an image begin together, on one token. */
  async #join(scope: TokenScope, signal: AbortSignal): Promise<Result<Grant, OciFailure>> {
    try {
      const key = `${scope.share ?? ''} ${tokenKey(scope)}`;
      return await this.#joint.run(key, async (joint) => await this.#fetch(scope, joint), signal);
    } catch (error) {
      if (!signal.aborted) throw error;
      return fail(outOfTime(scope.registry));
    }
  }

  async #fetch(scope: TokenScope, signal: AbortSignal): Promise<Result<Grant, OciFailure>> {
    const key = credentialKey(scope);
    let refusal: OciFailure | undefined;
    for (const way of this.#waysOf(scope)) {
      const meaning = await this.#ask(scope, way, signal);
      if (meaning.kind === 'trouble') return fail(meaning.failure);
      if (meaning.kind === 'token') return succeed(this.#remember(scope, way, meaning));
      refusal = meaning.failure;
      if (way.kind !== 'identity') continue;
      this.#refused.set(key, true);
      // If it is ever tried again, then as the Secret has it.
      this.#replaced.delete(key);
    }
    // What was refused may be let in once its account is mended: all of it is tried again.
    this.#refused.delete(key);
    return fail(refusal ?? { kind: 'protocol', message: `${scope.registry}: no way to ask` });
  }

  async #ask(scope: TokenScope, way: Way, signal: AbortSignal): Promise<TokenMeaning> {
    const { transport, nowMs, monotonicMs } = this.#options;
    const askedAtMs = monotonicMs();
    const sent = await transport.send(tokenRequest(scope, way), signal);
    if (!sent.ok) return { kind: 'trouble', failure: sent.error };
    const meaning = meaningOf(sent.value, { scope, way, nowMs: nowMs() });
    if (meaning.kind !== 'token') return meaning;
    // Its life began when it was asked for, at the earliest.
    return { ...meaning, lifetimeMs: meaning.lifetimeMs - (monotonicMs() - askedAtMs) };
  }

  #waysOf(scope: TokenScope): readonly Way[] {
    const key = credentialKey(scope);
    const ways = waysToAsk(scope.credential, this.#replaced.get(key));
    const without = ways.filter(({ kind }) => kind !== 'identity');
    const isRefused = this.#refused.get(key) ?? this.#refused.get(tokenKey(scope)) ?? false;
    return isRefused && without.length > 0 ? without : ways;
  }

  #remember(scope: TokenScope, way: Way, reading: TokenReading): Grant {
    const { token, lifetimeMs, refreshToken } = reading;
    const expiresAtMs =
      this.#options.monotonicMs() + lifetimeMs - Math.min(lifetimeMs / 10, MARGIN_MS_MAX);
    // One that took the place of another may be refused where the Secret's own is not.
    if (way.kind === 'identity') this.#refused.delete(credentialKey(scope));
    const byIdentity = way.kind === 'identity' && this.#waysOf(scope).some(isByPassword);
    this.#tokens.set(tokenKey(scope), { token, byIdentity, expiresAtMs });
    if (refreshToken !== undefined) this.#replaced.set(credentialKey(scope), refreshToken);
    return { scope, token, fresh: true, byIdentity };
  }
}

function isByPassword({ kind }: Way): boolean {
  return kind === 'password';
}

/** Realm, service, scope and credential (behaviour §4), the credential as a digest. */
function tokenKey(scope: TokenScope): string {
  return `${scope.scope} ${credentialKey(scope)}`;
}

function credentialKey({ registry, realm, service, credential }: TokenScope): string {
  const secret = credential && [
    credential.username,
    credential.password,
    credential.identityToken ?? '',
  ];
  // The registry too: its TLS settings decided whom we asked.
  const parts = [registry, realm.url.href, service ?? null, secret ?? null];
  return createHash('sha256').update(JSON.stringify(parts)).digest('base64');
}
