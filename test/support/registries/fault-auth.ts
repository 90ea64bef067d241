import { randomUUID } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { text } from 'node:stream/consumers';
import { keepSecret } from '#test/support/runner/kept-secrets.ts';
import { coversRequest, repositoryOf, scopesFor } from './fault-scopes.ts';

/** How a fault registry asks who is there. */
export interface FaultAuthOptions {
  readonly kind: 'basic' | 'bearer';
  /** User names and passwords. */
  readonly users?: Readonly<Record<string, string>>;
  /** Bearer: a token without credentials too. */
  readonly anonymous?: boolean;
  /** Bearer: identity tokens that `POST` takes; each is replaced by `<token>+` when used. */
  readonly identityTokens?: readonly string[];
  /** Bearer: `expires_in` of a token; 300 unless told, and left out with `null`. */
  readonly lifetimeS?: number | null;
  /** Bearer: where the challenge sends for tokens, instead of here. */
  readonly realm?: string;
  /** Bearer: answers with `access_token` instead of `token`. */
  readonly accessToken?: boolean;
  /** Bearer: the scope that the challenge names and a token must have, instead of what is due. */
  readonly scopeOf?: (repository: string) => string;
  /** The challenge itself, instead of the usual one. */
  readonly challenge?: readonly string[];
  /** Bearer: what the token service answers with, instead of a token. */
  readonly tokenAnswer?: { readonly status: number; readonly body?: string };
}

/** The gate of a fault registry. */
export interface FaultAuth {
  /** True when the request was answered here: refused, or a token. */
  readonly handled: (incoming: IncomingMessage, response: ServerResponse) => boolean;
  /** Tokens given until now open nothing any more. */
  readonly expireTokens: () => void;
}

interface Issued {
  readonly scopes: readonly string[];
  readonly expiresAtMs: number;
}

const lifetimeSDefault = 300;

/** Makes the gate of the registry at `url`; its token service is at `<url>/token`. */
export function startFaultAuth(options: FaultAuthOptions, url: string): FaultAuth {
  const tokens = new Map<string, Issued>();
  const identityTokens = new Set(options.identityTokens);
  const { scopeOf } = options;

  const allows = (incoming: IncomingMessage): boolean => {
    const [scheme, value = ''] = (incoming.headers.authorization ?? '').split(' ');
    if (options.kind === 'basic') return scheme === 'Basic' && knows(options, value);
    const issued = tokens.get(value);
    if (scheme !== 'Bearer' || issued === undefined || issued.expiresAtMs < Date.now()) {
      return false;
    }
    if (scopeOf === undefined) return coversRequest(issued.scopes, incoming);
    const repository = repositoryOf(incoming);
    return repository === undefined || issued.scopes.includes(scopeOf(repository));
  };

  const wantedScope = (incoming: IncomingMessage): string => {
    const repository = repositoryOf(incoming);
    if (repository === undefined) return '';
    return scopeOf?.(repository) ?? scopesFor(incoming).join(' ');
  };

  const refuse = (incoming: IncomingMessage, response: ServerResponse): void => {
    const wanted = wantedScope(incoming);
    const scope = wanted === '' ? '' : `,scope="${wanted}"`;
    const usual =
      options.kind === 'basic'
        ? 'Basic realm="fault registry"'
        : `Bearer realm="${options.realm ?? `${url}/token`}",service="fault"${scope}`;
    response.writeHead(401, { 'www-authenticate': [...(options.challenge ?? [usual])] });
    response.end(JSON.stringify({ errors: [{ code: 'UNAUTHORIZED', message: 'who is there' }] }));
  };

  const issue = (scopes: readonly string[], refreshToken?: string): string => {
    const token = randomUUID();
    keepSecret(token);
    const lifetimeS = options.lifetimeS === undefined ? lifetimeSDefault : options.lifetimeS;
    tokens.set(token, { scopes, expiresAtMs: Date.now() + (lifetimeS ?? 60) * 1000 });
    return JSON.stringify({
      ...(options.accessToken === true ? { access_token: token } : { token }),
      ...(lifetimeS !== null && { expires_in: lifetimeS }),
      ...(refreshToken !== undefined && { refresh_token: refreshToken }),
    });
  };

  const grantRefresh = async (incoming: IncomingMessage, response: ServerResponse) => {
    const form = new URLSearchParams(await text(incoming));
    const given = form.get('refresh_token') ?? '';
    const isTaken = form.get('grant_type') === 'refresh_token' && identityTokens.delete(given);
    if (!isTaken) {
      response.writeHead(400).end('{"error":"invalid_grant"}');
      return;
    }
    identityTokens.add(`${given}+`);
    response.end(issue((form.get('scope') ?? '').split(' '), `${given}+`));
  };

  const grantBasic = (incoming: IncomingMessage, response: ServerResponse): void => {
    const { searchParams } = new URL(incoming.url ?? '/', url);
    const [, value = ''] = (incoming.headers.authorization ?? '').split(' ');
    const isKnown = value === '' ? options.anonymous === true : knows(options, value);
    if (isKnown) response.end(issue(searchParams.getAll('scope')));
    else response.writeHead(401).end('{"details":"wrong user name or password"}');
  };

  const answerToken = (incoming: IncomingMessage, response: ServerResponse): void => {
    const { tokenAnswer } = options;
    if (tokenAnswer !== undefined) {
      response.writeHead(tokenAnswer.status).end(tokenAnswer.body ?? '');
    } else if (incoming.method === 'POST') void grantRefresh(incoming, response);
    else grantBasic(incoming, response);
  };

  return {
    expireTokens: () => tokens.clear(),
    handled: (incoming, response) => {
      if (options.kind === 'bearer' && /^\/token(\?|$)/.test(incoming.url ?? '')) {
        answerToken(incoming, response);
        return true;
      }
      if (allows(incoming)) return false;
      refuse(incoming, response);
      return true;
    },
  };
}

function knows({ users = {} }: FaultAuthOptions, basic: string): boolean {
  const [username = '', ...password] = Buffer.from(basic, 'base64').toString().split(':');
  return Object.hasOwn(users, username) && users[username] === password.join(':');
}
