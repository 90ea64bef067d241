import { randomUUID } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { text } from 'node:stream/consumers';

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
  /** Bearer: the scope that the challenge names, instead of the usual one. */
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
  const scopeOf = options.scopeOf ?? ((repository) => `repository:${repository}:pull`);

  const allows = (incoming: IncomingMessage): boolean => {
    const [scheme, value = ''] = (incoming.headers.authorization ?? '').split(' ');
    if (options.kind === 'basic') return scheme === 'Basic' && knows(options, value);
    const issued = tokens.get(value);
    if (scheme !== 'Bearer' || issued === undefined || issued.expiresAtMs < Date.now()) {
      return false;
    }
    const repository = repositoryOf(incoming);
    return repository === undefined || issued.scopes.includes(scopeOf(repository));
  };

  const refuse = (incoming: IncomingMessage, response: ServerResponse): void => {
    const repository = repositoryOf(incoming);
    const scope = repository === undefined ? '' : `,scope="${scopeOf(repository)}"`;
    const usual =
      options.kind === 'basic'
        ? 'Basic realm="fault registry"'
        : `Bearer realm="${options.realm ?? `${url}/token`}",service="fault"${scope}`;
    response.writeHead(401, { 'www-authenticate': [...(options.challenge ?? [usual])] });
    response.end(JSON.stringify({ errors: [{ code: 'UNAUTHORIZED', message: 'who is there' }] }));
  };

  const issue = (scopes: readonly string[], refreshToken?: string): string => {
    const token = randomUUID();
    const lifetimeS = options.lifetimeS === undefined ? lifetimeSDefault : options.lifetimeS;
    tokens.set(token, { scopes, expiresAtMs: Date.now() + (lifetimeS ?? 60) * 1000 });
    return JSON.stringify({
      ...(options.accessToken === true ? { access_token: token } : { token }),
      ...(lifetimeS !== null && { expires_in: lifetimeS }),
      ...(refreshToken !== undefined && { refresh_token: refreshToken }),
    });
  };

  const answerToken = async (incoming: IncomingMessage, response: ServerResponse) => {
    if (options.tokenAnswer !== undefined) {
      response.writeHead(options.tokenAnswer.status).end(options.tokenAnswer.body ?? '');
      return;
    }
    const query = new URL(incoming.url ?? '/', url).searchParams;
    if (incoming.method === 'POST') {
      const form = new URLSearchParams(await text(incoming));
      const given = form.get('refresh_token') ?? '';
      const taken = form.get('grant_type') === 'refresh_token' && identityTokens.delete(given);
      if (taken) identityTokens.add(`${given}+`);
      if (taken) response.end(issue((form.get('scope') ?? '').split(' '), `${given}+`));
      else response.writeHead(400).end('{"error":"invalid_grant"}');
      return;
    }
    const [, value = ''] = (incoming.headers.authorization ?? '').split(' ');
    const known = value === '' ? options.anonymous === true : knows(options, value);
    if (known) response.end(issue(query.getAll('scope')));
    else response.writeHead(401).end('{"details":"wrong user name or password"}');
  };

  return {
    handled: (incoming, response) => {
      if (options.kind === 'bearer' && /^\/token(\?|$)/.test(incoming.url ?? '')) {
        void answerToken(incoming, response);
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

function repositoryOf(incoming: IncomingMessage): string | undefined {
  return /^\/v2\/(.+)\/(?:manifests|blobs|tags)\//.exec(incoming.url ?? '')?.[1];
}
