import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Frame as BrowserFrame } from 'playwright-core';
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import { startBrowser, type TestBrowser } from '#test/support/browser/browser.ts';
import { serveInspected } from '#test/support/inspection/inspected-endpoint.ts';
import { eventually } from '#test/support/time/eventually.ts';

/** The page that hands frames to a Stately inspector, with a stand-in for that in its frame. */
let browser: TestBrowser;
beforeAll(async () => {
  browser = await startBrowser();
});
afterAll(async () => await browser?.close());

/** What an inspector does at first: it says that it is there, to whoever frames it; here when told. */
const standIn = `<!doctype html>
<html lang="en"><head><title>Inspector</title></head><body><h1>Inspector</h1><ol></ol><script>
  window.seen = [];
  addEventListener('message', ({ data, origin }) => {
    window.seen.push({ data, origin });
    const item = document.createElement('li');
    item.textContent = data.type + ' ' + (data.name ?? data.event?.type ?? '');
    document.querySelector('ol').append(item);
  });
  window.sayConnected = () => parent.postMessage({ type: '@statelyai.connected' }, '*');
  if (location.search !== '?quiet') sayConnected();
</script></body></html>`;

/** A page of another origin, and who asked for it. */
async function startStandIn() {
  const asked: string[] = [];
  const server = createServer((request, response) => {
    asked.push(request.url ?? '');
    response.writeHead(200, { 'content-type': 'text/html' }).end(standIn);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return { origin, asked };
}

/** The bridge, open in a browser. */
async function open(query: string, inspectorPath = '/inspect') {
  const { origin, asked } = await startStandIn();
  const statelyUrl = `${origin}${inspectorPath}`;
  const served = await serveInspected({ images: ['a:1', 'b:1'], statelyUrl });
  const own = `http://127.0.0.1:${served.listener.port}`;
  const opened = await browser.open(`${own}/debug/stately${query}`, { origins: [origin] });
  onTestFinished(opened.close);
  const framed = await eventually('the inspector is framed', () =>
    opened.page.frames().find((frame) => frame.url().startsWith(origin)),
  );
  return { ...served, ...opened, framed, origin, own, asked };
}

interface Seen {
  readonly origin: string;
  readonly data: {
    readonly type: string;
    readonly name?: string;
    readonly definition?: string;
    readonly snapshot?: unknown;
  };
}

const seenBy = async (frame: BrowserFrame): Promise<readonly Seen[]> =>
  (await frame.evaluate('window.seen')) as readonly Seen[];

test('hands the frames of what is chosen to the framed page, and says that they leave', async () => {
  const { framed, page, origin, own, actor, problems, violations, screenshot } =
    await open('?type=tracked-image');
  await eventually('both actors are shown', async () => (await seenBy(framed)).length === 2);
  actor('a:1').send({ type: 'check.due' });
  const seen = await eventually('the check is seen', async () => {
    const all = await seenBy(framed);
    return all.some(({ data }) => JSON.stringify(data.snapshot ?? '').includes('Checking')) && all;
  });
  expect(seen.map(({ data }) => data.type)).toEqual([
    ...['@xstate.actor', '@xstate.actor', '@xstate.event', '@xstate.snapshot'],
  ]);
  expect(new Set(seen.map((one) => one.origin))).toEqual(new Set([own]));
  // The stream brings the chart once; an inspector is given it with every actor.
  for (const { data } of seen.slice(0, 2))
    expect(data.definition).toMatch(/^\{"id":"tracked-image"/);
  const said = await page.locator('header').textContent();
  expect(said).toContain('What you watch leaves this operator');
  expect(said).toContain(origin);
  await eventually('it is counted', async () =>
    (await page.locator('#status').textContent())?.includes('4 frames went to'),
  );
  await screenshot('stately');
  expect(await violations()).toEqual([]);
  expect(problems()).toEqual([]);
});

test('sends nothing before that page says that it is there, and to nobody who only says so', async () => {
  const { framed, page, actor } = await open('?actor=tracked-image:a:1', '/inspect?quiet');
  await page.evaluate("window.postMessage({ type: '@statelyai.connected' }, '*')");
  actor('a:1').send({ type: 'check.due' });
  await page.waitForTimeout(300);
  expect(await seenBy(framed)).toEqual([]);
  await framed.evaluate('window.sayConnected()');
  await eventually('the actor is shown', async () => (await seenBy(framed)).length > 0);
});

test('begins anew when the framed page is loaded anew', async () => {
  const { framed } = await open('?actor=tracked-image:a:1');
  await eventually('the actor is shown', async () => (await seenBy(framed)).length === 1);
  await framed.evaluate('location.reload()');
  await eventually('it is shown again', async () => {
    const [first] = await seenBy(framed).catch(() => []);
    return first?.data.name === 'tracked-image:a:1';
  });
});

test('frames that origin alone: a page that goes elsewhere is stopped and given nothing', async () => {
  const { framed, page, actor } = await open('?actor=tracked-image:a:1');
  await eventually('the actor is shown', async () => (await seenBy(framed)).length === 1);
  const elsewhere = await startStandIn();
  await framed
    .evaluate(`location.href = ${JSON.stringify(`${elsewhere.origin}/steal`)}`)
    .catch(() => {});
  await page.waitForTimeout(300);
  actor('a:1').send({ type: 'check.due' });
  await page.waitForTimeout(300);
  expect(elsewhere.asked).toEqual([]);
});

test('says why nothing comes: no choice, or an actor that is not there', async () => {
  const none = await open('');
  expect(await none.page.locator('#status').textContent()).toBe(
    'Nothing is sent: choose an actor.',
  );
  await none.page.getByLabel('Actor').fill('registry:none');
  await none.page.getByRole('button', { name: 'Watch' }).click();
  await eventually('it is said', async () =>
    (await none.page.locator('#status').textContent())?.includes('expected the id of an actor'),
  );
});

test('is not there unless an inspector is configured, and no other page may frame it', async () => {
  const off = await serveInspected();
  const answer = await fetch(`http://127.0.0.1:${off.listener.port}/debug/stately`);
  expect(answer.status).toBe(404);
  const on = await serveInspected({ statelyUrl: 'https://stately.ai/inspect' });
  const { headers } = await fetch(`http://127.0.0.1:${on.listener.port}/debug/stately`);
  const policy = headers.get('content-security-policy');
  expect(policy).toContain("default-src 'none'");
  expect(policy).toContain("script-src 'self';");
  expect(policy).toContain('frame-src https://stately.ai;');
  expect(policy).toContain("frame-ancestors 'none'");
});
