import type { ServerResponse } from 'node:http';

/** One entry of a docker config. */
export function authOf(user: string, password: string): { readonly auth: string } {
  return { auth: Buffer.from(`${user}:${password}`).toString('base64') };
}

/** The header that a client makes of it. */
export function basic(user: string, password: string): string {
  return `Basic ${authOf(user, password).auth}`;
}

/** Asks for a token of this realm. */
export function challenge(response: ServerResponse, realm: string): void {
  const header = `Bearer realm="${realm}",service="registry"`;
  response.writeHead(401, { 'www-authenticate': header }).end();
}

/** Answers with a body. */
export function answerJson(response: ServerResponse, body: object): void {
  response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(body));
}
