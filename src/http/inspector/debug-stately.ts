import type { FastifyInstance } from 'fastify';

/** What the bridge page says and frames. */
export interface DebugStatelyOptions {
  /** `--debug-stately-url`: the inspector that is framed. */
  readonly url: string;
  readonly replica: string;
}

/**
 * `GET /debug/stately`: a page that frames a Stately inspector, and hands it the frames of the actors
 * that are chosen as at `/debug/inspect` (docs/inspect.md). It has a policy of its own: it is the one
 * page here that shows something of another origin, and that origin alone.
 */
export async function debugStately(
  app: FastifyInstance,
  { url, replica }: DebugStatelyOptions,
): Promise<void> {
  const { href, origin } = new URL(url);
  const page = bridgePage({ href, origin, replica });
  const policy = [
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "connect-src 'self'",
    "img-src 'self' data:",
    `frame-src ${origin}`,
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ].join('; ');
  app.get('/debug/stately', async (_, reply) => {
    reply.headers({
      'content-security-policy': policy,
      'referrer-policy': 'no-referrer',
      'cache-control': 'no-cache',
    });
    return reply.type('text/html; charset=utf-8').send(page);
  });
}

interface BridgePage {
  readonly href: string;
  readonly origin: string;
  readonly replica: string;
}

function bridgePage({ href, origin, replica }: BridgePage): string {
  const [address, name, own] = [href, origin, replica].map(escapeHtml);
  return `<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8" />
    <meta name="viewport" content="width=device-width, initial-scale=1" />
    <meta name="color-scheme" content="light dark" />
    <title>kuik: actors in the Stately inspector</title>
    <link rel="icon" href="page/icon.svg" type="image/svg+xml" />
    <link rel="stylesheet" href="page/style.css" />
    <link rel="stylesheet" href="page/stately/bridge.css" />
    <script src="page/early-theme.js"></script>
    <script type="module" src="page/stately/bridge.js"></script>
  </head>
  <body>
    <header>
      <h1>Actors of <span class="mono">${own}</span> in the Stately inspector</h1>
      <p class="leaving">
        <strong>What you watch leaves this operator.</strong> Names of actors, images and registries,
        states and events of what you choose are handed to the page of
        <strong class="mono">${name}</strong> below, in your browser; what it does with them is up to it.
        Whoever runs kuik chose it by <code>--debug-stately-url</code>.
      </p>
      <form id="choose">
        <label for="actor">Actor</label>
        <input id="actor" name="actor" placeholder="registry:docker.io" autocomplete="off" spellcheck="false" />
        <button type="submit">Watch</button>
        <a href="./#/actors">All actors</a>
      </form>
      <p class="quiet"><span id="losses"></span><span id="status" role="status"></span></p>
      <noscript>This page needs JavaScript.</noscript>
    </header>
    <main>
      <iframe
        id="inspector"
        title="The Stately inspector at ${name}"
        data-address="${address}"
        sandbox="allow-scripts allow-same-origin"
        referrerpolicy="no-referrer"
      ></iframe>
    </main>
  </body>
</html>
`;
}

const entities: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
};

function escapeHtml(text: string): string {
  return text.replace(/[&<>"]/g, (character) => entities[character] ?? '');
}
