import { once } from 'node:events';
import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';
import { pipeline } from 'node:stream/promises';
import { digestOf } from '#oci/image-manifest.ts';
import { blobPath, readJsonBlob, writeBlob } from './layout.ts';

/** A layout as a registry on loopback: what our copier reads from, or writes to. */
export interface LayoutServer {
  /** `127.0.0.1:<port>`, to be spoken to over plain HTTP. */
  readonly host: string;
  /** The digests by the tags that they were pushed under. */
  readonly tags: ReadonlyMap<string, string>;
  readonly close: () => Promise<void>;
}

/** Serves a layout to this machine alone; `tags` are the names under which it is asked for. */
export async function serveLayout(
  directory: string,
  tags: ReadonlyMap<string, string> = new Map(),
): Promise<LayoutServer> {
  const registry = new LayoutRegistry(directory, new Map(tags));
  const server = createServer((request, response) => {
    registry.answer(request, response).catch((error: unknown) => {
      // The copier sees a broken connection, and says whose it was.
      response.destroy(error instanceof Error ? error : undefined);
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    host: `127.0.0.1:${port}`,
    tags: registry.tags,
    close: async () => {
      server.close();
      server.closeAllConnections();
      await once(server, 'close');
    },
  };
}

/** The parts of the distribution protocol that one copy needs. */
class LayoutRegistry {
  readonly #directory: string;
  readonly tags: Map<string, string>;

  constructor(directory: string, tags: Map<string, string>) {
    this.#directory = directory;
    this.tags = tags;
  }

  async answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { pathname, searchParams } = new URL(request.url ?? '/', 'http://layout');
    if (pathname === '/v2/') return void response.end('{}');
    const upload = /^\/v2\/(.+)\/blobs\/uploads\/$/.exec(pathname);
    if (upload !== null) {
      if (request.method === 'POST') {
        response.writeHead(202, { location: pathname }).end();
        return;
      }
      await this.#store(request, response, searchParams.get('digest') ?? '');
      return;
    }
    const [, , kind = '', reference = ''] =
      /^\/v2\/(.+)\/(blobs|manifests)\/([^/]+)$/.exec(pathname) ?? [];
    if (kind === 'manifests' && request.method === 'PUT') {
      await this.#storeManifest(request, response, reference);
      return;
    }
    await this.#serve(request, response, { kind, digest: this.tags.get(reference) ?? reference });
  }

  async #serve(
    { method }: IncomingMessage,
    response: ServerResponse,
    { kind, digest }: { readonly kind: string; readonly digest: string },
  ): Promise<void> {
    const path = /^sha256:[0-9a-f]{64}$/.test(digest) ? blobPath(this.#directory, digest) : '';
    const found = path === '' ? undefined : await stat(path).catch(() => undefined);
    if (found === undefined) {
      response.writeHead(404).end();
      return;
    }
    const type =
      kind === 'manifests'
        ? (await readJsonBlob(this.#directory, digest)).mediaType
        : 'application/octet-stream';
    response.writeHead(200, {
      'content-type': type,
      'content-length': found.size,
      'docker-content-digest': digest,
    });
    if (method === 'HEAD') response.end();
    else await pipeline(createReadStream(path), response);
  }

  async #store(request: IncomingMessage, response: ServerResponse, digest: string): Promise<void> {
    const bytes = await buffer(request);
    if (digestOf(bytes) !== digest) {
      response.writeHead(400).end(`expected ${digest}, got ${digestOf(bytes)}`);
      return;
    }
    await writeBlob(this.#directory, 'application/octet-stream', bytes);
    response.writeHead(201, { location: '/', 'docker-content-digest': digest }).end();
  }

  async #storeManifest(
    request: IncomingMessage,
    response: ServerResponse,
    reference: string,
  ): Promise<void> {
    const { digest } = await writeBlob(this.#directory, '', await buffer(request));
    if (!reference.includes(':')) this.tags.set(reference, digest);
    response.writeHead(201, { location: '/', 'docker-content-digest': digest }).end();
  }
}
