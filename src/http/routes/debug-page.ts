import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { type PageAsset, type PageAssets, readPageAssets } from '#http/page-assets.ts';

/** What a program is answered instead of the page. */
export interface DebugPagePorts {
  /** Who leads, or `null`. */
  readonly leader: () => string | null;
  /** What there is to ask. */
  readonly paths: readonly string[];
}

/** The page loads its own files and asks its own endpoint: nothing else, and nobody frames it. */
const contentSecurityPolicy = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "connect-src 'self'",
  "img-src 'self' data:",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ');

/** What its version names never changes. */
const cacheForever = 'public, max-age=31536000, immutable';

/** `GET /debug/`: the page for browsers, what there is to ask for all others; `/debug/page/`: its files. */
export async function debugPage(
  app: FastifyInstance,
  { leader, paths }: DebugPagePorts,
): Promise<void> {
  let read: Promise<PageAssets> | undefined;
  const assets = () => {
    read ??= readPageAssets();
    return read;
  };
  app.get('/debug/', async (request, reply) => {
    reply.header('vary', 'Accept');
    if (!wantsPage(request)) return { leader: leader(), paths };
    return sendAsset(request, reply.header('cache-control', 'no-cache'), (await assets()).index);
  });
  app.get('/debug', async (request, reply) => {
    reply.header('vary', 'Accept');
    // Relative: who comes through a proxy has more in front of it.
    return wantsPage(request) ? reply.redirect('debug/') : { leader: leader(), paths };
  });
  app.get('/debug/page/*', async (request, reply) => {
    const { version, files } = await assets();
    const asked = (request.params as { readonly '*': string })['*'];
    const path = asked.replace(/^[0-9a-f]{16}\//, '');
    const file = files.get(path);
    if (file === undefined) {
      const error = `expected a file of the page, got ${JSON.stringify(asked.slice(0, 200))}`;
      return reply.code(404).send({ error });
    }
    // A page that was open while kuik was updated asks for files of the version before: it gets
    // those of now, and does not keep them.
    reply.header('cache-control', asked === `${version}/${path}` ? cacheForever : 'no-cache');
    return sendAsset(request, reply, file);
  });
}

function wantsPage({ headers }: FastifyRequest): boolean {
  return headers.accept?.includes('text/html') === true;
}

function sendAsset(request: FastifyRequest, reply: FastifyReply, file: PageAsset): FastifyReply {
  reply.headers({
    etag: file.etag,
    'content-security-policy': contentSecurityPolicy,
    'referrer-policy': 'no-referrer',
  });
  if (request.headers['if-none-match'] === file.etag) return reply.code(304).send();
  return reply.type(file.type).send(file.content);
}
