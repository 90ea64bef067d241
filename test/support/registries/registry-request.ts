import type { Readable } from 'node:stream';
import { Agent, request } from 'undici';

/** Where a registry is, and how a test may speak to it. */
export interface RegistryAddress {
  /** `127.0.0.1:<port>`, as an image reference has it. */
  readonly host: string;
  readonly url: string;
  /** The authority that signed its certificate. */
  readonly authorityPem?: string;
  readonly username?: string;
}

/** The password of every user of a test registry. */
export const registryPassword = 'opensesame';

/** One request of a test to a registry, without any of the code under test. */
export interface RegistryRequest {
  readonly path: string;
  readonly method?: 'GET' | 'HEAD' | 'PUT' | 'POST' | 'PATCH' | 'DELETE';
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Buffer | Readable;
}

/** What came back. */
export interface RegistryResponse {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: Buffer;
}

/** Sends one request over a connection of its own, so that nothing is left open. */
export async function registryRequest(
  registry: RegistryAddress,
  { path, method = 'GET', headers = {}, body }: RegistryRequest,
): Promise<RegistryResponse> {
  const { authorityPem, username } = registry;
  const agent = new Agent({
    allowH2: false,
    ...(authorityPem !== undefined && { connect: { ca: authorityPem } }),
  });
  try {
    const response = await request(new URL(path, registry.url), {
      dispatcher: agent,
      method,
      headers: { ...(username !== undefined && { authorization: basic(username) }), ...headers },
      body: body ?? null,
    });
    return {
      status: response.statusCode,
      headers: response.headers,
      body: Buffer.from(await response.body.arrayBuffer()),
    };
  } finally {
    await agent.destroy();
  }
}

function basic(username: string): string {
  return `Basic ${Buffer.from(`${username}:${registryPassword}`).toString('base64')}`;
}
