import { describe, expect, onTestFinished, test } from 'vitest';
import { createApp } from '#http/app.ts';
import { pageFiles, vendored } from '#http/page-assets.ts';
import { debugPage } from '#http/routes/debug-page.ts';
import { createLog } from '#telemetry/log.ts';

const html = { accept: 'text/html,application/xhtml+xml;q=0.9,*/*;q=0.8' };

/** The page in front of nothing. */
function stage() {
  const app = createApp({ log: createLog({ level: 'silent', format: 'json' }), paths: [] });
  app.register(debugPage, { leader: () => 'kuik-0', paths: ['GET /debug/actors'] });
  onTestFinished(async () => await app.close());
  const get = async (url: string, headers: Record<string, string> = html) =>
    await app.inject({ method: 'GET', url, headers });
  return { get };
}

/** What the page names, by its own links and by the imports of its modules. */
const namedFiles = (body: string) =>
  [...body.matchAll(/(?:src|href)="(page\/[^"]+)"/g)].map(([, path]) => `/debug/${path}`);

describe('the door of the page', () => {
  test('is a page for browsers, and JSON for everybody else', async () => {
    const { get } = stage();
    const page = await get('/debug/');
    expect(page.headers['content-type']).toBe('text/html; charset=utf-8');
    expect(page.body).toContain('<html lang="en">');
    for (const accept of ['*/*', 'application/json']) {
      const answer = await get('/debug/', { accept });
      expect(answer.json()).toEqual({ leader: 'kuik-0', paths: ['GET /debug/actors'] });
      expect(answer.headers.vary).toBe('Accept');
    }
    const { statusCode, headers } = await get('/debug');
    expect([statusCode, headers.location]).toEqual([302, 'debug/']);
  });

  test('runs no script, loads no style and asks nothing but its own', async () => {
    const { get } = stage();
    const { headers, body } = await get('/debug/');
    const policy = String(headers['content-security-policy']).split('; ');
    expect(policy).toEqual([
      "default-src 'none'",
      "script-src 'self'",
      "style-src 'self'",
      "connect-src 'self'",
      "img-src 'self' data:",
      "base-uri 'none'",
      "form-action 'none'",
      "frame-ancestors 'none'",
    ]);
    expect(body).not.toMatch(/<script(?![^>]* src=)|<style| style=| on\w+=|https?:/);
  });

  test('is asked for again each time, and sent only when it changed', async () => {
    const { get } = stage();
    const { headers } = await get('/debug/');
    expect(headers['cache-control']).toBe('no-cache');
    const again = await get('/debug/', { ...html, 'if-none-match': String(headers.etag) });
    expect([again.statusCode, again.body]).toEqual([304, '']);
  });
});

describe('the files of the page', () => {
  test('are there under their version, to be kept for ever', async () => {
    const { get } = stage();
    const files = namedFiles((await get('/debug/')).body);
    expect(files.length).toBeGreaterThan(5);
    for (const url of files) {
      expect(url).toMatch(/^\/debug\/page\/[0-9a-f]{16}\//);
      const { statusCode, headers } = await get(url);
      expect([url, statusCode]).toEqual([url, 200]);
      expect(headers['cache-control']).toBe('public, max-age=31536000, immutable');
      expect(headers['content-type']).toMatch(/^(text\/(javascript|css)|image\/svg\+xml)/);
    }
  });

  test('of another version are those of now, and not kept', async () => {
    const { get } = stage();
    for (const url of ['/debug/page/0123456789abcdef/main.js', '/debug/page/main.js']) {
      const { statusCode, headers } = await get(url);
      expect([statusCode, headers['cache-control']]).toEqual([200, 'no-cache']);
    }
  });

  test('import nothing that is not served', async () => {
    const { get } = stage();
    const paths = (await pageFiles()).map(([path]) => path).filter((path) => path.endsWith('.js'));
    for (const path of paths) {
      const { body } = await get(`/debug/page/${path}`);
      // Types are imported in comments, and are not there when it runs.
      const code = body.replaceAll(/\/\*\*[\s\S]*?\*\//g, '');
      const imported = [...code.matchAll(/(?:from |import\(|import )['"](\.[^'"]+)['"]/g)];
      for (const [, name = ''] of imported) {
        const url = new URL(name, `http://kuik/debug/page/${path}`).pathname;
        expect([path, url, (await get(url)).statusCode]).toEqual([path, url, 200]);
      }
      expect([path, body.includes('process.env')]).toEqual([path, false]);
    }
    expect(paths).toEqual(expect.arrayContaining([...vendored.keys()].filter(isScript)));
  });

  test.each([
    'main.ts',
    'tsconfig.json',
    'README.md',
    '../debug.ts',
    '%2e%2e/debug.ts',
    '',
    'index.html',
  ])('are all there is: not %j', async (name) => {
    const { statusCode, body } = await stage().get(`/debug/page/${name}`);
    expect(statusCode).toBe(404);
    expect(JSON.parse(body).error).toMatch(/^expected /);
  });
});

const isScript = (path: string) => path.endsWith('.js');
