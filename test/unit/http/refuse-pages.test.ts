import fastify from 'fastify';
import { describe, expect, onTestFinished, test } from 'vitest';
import { buildMetricsApp } from '#http/metrics.ts';
import { refusePages } from '#http/refuse-pages.ts';
import { createLog } from '#telemetry/log.ts';

type Headers = Readonly<Record<string, string>>;

/** An app that checks `Host` everywhere, and what it says to a request. */
async function ask(headers: Headers, url = '/data') {
  const app = fastify();
  onTestFinished(async () => await app.close());
  const own = { address: '127.0.0.1', hosts: ['kuik.example.com'] };
  refusePages(app, { own, hostOf: 'all', entrance: '/debug/' });
  for (const path of ['/data', '/debug/']) app.get(path, async () => 'data');
  const answer = await app.inject({ url, headers: { host: 'localhost:8082', ...headers } });
  return { status: answer.statusCode, headers: answer.headers, body: answer.body };
}

const navigation = { 'sec-fetch-mode': 'navigate', 'sec-fetch-dest': 'document' };

describe('what a browser sends', () => {
  test.each<[string, Headers]>([
    ['no browser at all', {}],
    ['somebody who typed the address', { 'sec-fetch-site': 'none', ...navigation }],
    ['a page of ours', { 'sec-fetch-site': 'same-origin', origin: 'http://localhost:8082' }],
    ['by a name that was given', { host: 'kuik.example.com' }],
  ])('is answered where it is from %s', async (_, headers) => {
    expect(await ask(headers)).toMatchObject({ status: 200, body: 'data' });
  });

  test.each<[string, Headers]>([
    ['another site', { 'sec-fetch-site': 'cross-site' }],
    ['another port of this host', { 'sec-fetch-site': 'same-site' }],
    ['whatever browsers will say one day', { 'sec-fetch-site': 'elsewhere' }],
    ['nobody can say where', { 'sec-fetch-site': '' }],
    ['a link of another site', { 'sec-fetch-site': 'cross-site', ...navigation }],
    ['another origin', { origin: 'https://evil.example.com' }],
    ['a sandbox', { origin: 'null' }],
    ['a name that was bound to us', { host: 'evil.example.com' }],
    ['such a page of its own', { host: 'evil.example.com', 'sec-fetch-site': 'same-origin' }],
  ])('is refused where it is from %s', async (_, headers) => {
    const answer = await ask(headers);
    expect(answer.status).toBe(403);
    expect(JSON.parse(answer.body)).toEqual({ error: expect.stringMatching(/^expected /) });
  });

  test('that comes by a link is let in at the door, and nowhere else, framed or scripted', async () => {
    const site = { 'sec-fetch-site': 'cross-site' };
    expect((await ask({ ...site, ...navigation }, '/debug/')).status).toBe(200);
    expect((await ask({ ...site, ...navigation }, '/debug/?image=a')).status).toBe(403);
    const framed = { ...site, 'sec-fetch-mode': 'navigate', 'sec-fetch-dest': 'iframe' };
    expect((await ask(framed, '/debug/')).status).toBe(403);
    const scripted = { ...site, 'sec-fetch-mode': 'no-cors', 'sec-fetch-dest': 'script' };
    expect((await ask(scripted, '/debug/')).status).toBe(403);
    const rebound = { ...site, ...navigation, host: 'evil.example.com' };
    expect((await ask(rebound, '/debug/')).status).toBe(403);
  });

  test.each(['/data', '/nowhere'])('may not take in what is answered at %s', async (url) => {
    for (const headers of [{}, { 'sec-fetch-site': 'cross-site' }]) {
      expect((await ask(headers, url)).headers).toMatchObject({
        'cross-origin-resource-policy': 'same-origin',
        'x-content-type-options': 'nosniff',
      });
    }
  });
});

describe('metrics and status', () => {
  async function scrape(headers: Headers, url = '/metrics') {
    const app = buildMetricsApp({
      metrics: async () => ({ contentType: 'text/plain', body: 'up 1' }),
      log: createLog({ level: 'silent', format: 'json' }),
    });
    onTestFinished(async () => await app.close());
    return await app.inject({ url, headers: { host: 'kuik.monitoring:8080', ...headers } });
  }

  test('are scraped by whatever name a Service has', async () => {
    expect((await scrape({})).statusCode).toBe(200);
  });

  test.each<[string, Headers]>([
    ['another site', { 'sec-fetch-site': 'cross-site' }],
    ['another origin', { origin: 'https://evil.example.com' }],
    ['the page of a name that was bound to us', { origin: 'http://kuik.monitoring:8080' }],
  ])('are nothing for %s', async (_, headers) => {
    for (const url of ['/metrics', '/status/images', '/status/workloads', '/']) {
      expect((await scrape(headers, url)).statusCode).toBe(403);
    }
  });

  test('say that nobody else may take them in', async () => {
    expect((await scrape({})).headers).toMatchObject({
      'cross-origin-resource-policy': 'same-origin',
      'x-content-type-options': 'nosniff',
    });
  });
});
