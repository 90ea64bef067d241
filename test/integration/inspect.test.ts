import { EventEmitter, once } from 'node:events';
import { createServer, type IncomingMessage, request } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import { createWebSocketReceiver, type StatelyInspectionEvent } from '@statelyai/inspect';
import { describe, expect, onTestFinished, test } from 'vitest';
import { WebSocket } from 'ws';
import { createApp } from '#http/app.ts';
import { debugInspect, viewersMax } from '#http/inspector/debug-inspect.ts';
import { guardUpgrades } from '#http/inspector/guard-upgrades.ts';
import { listen } from '#http/listen.ts';
import type { Refusal } from '#http/require-bearer.ts';
import { createLog } from '#telemetry/log.ts';
import { serveInspected } from '#test/support/inspection/inspected-endpoint.ts';
import { eventually } from '#test/support/time/eventually.ts';

/** What is inspected, with a way to ask for an upgrade. */
async function serve(options: Parameters<typeof serveInspected>[0] = {}) {
  const served = await serveInspected(options);
  const upgrade = async (headers: Record<string, string> = {}, at = served.path) =>
    await askToUpgrade(served.listener.port, { at, headers });
  return { ...served, upgrade };
}

const handshake = {
  connection: 'upgrade',
  upgrade: 'websocket',
  'sec-websocket-version': '13',
  'sec-websocket-key': 'dGhlIHNhbXBsZSBub25jZQ==',
};

/** What comes back for an upgrade: 101, or an answer that says why not. */
async function askToUpgrade(
  port: number,
  { at, headers }: { readonly at: string; readonly headers: Record<string, string> },
): Promise<{ readonly status: number | undefined; readonly error?: string }> {
  const sent = request({
    host: '127.0.0.1',
    port,
    path: at,
    headers: { ...handshake, ...headers },
  });
  sent.end();
  const upgraded = once(sent, 'upgrade').then(([answer, socket]) => {
    (socket as Duplex).destroy();
    return { status: (answer as IncomingMessage).statusCode };
  });
  const answered = once(sent, 'response').then(async ([answer]) => {
    const parts: string[] = [];
    for await (const part of answer as IncomingMessage) parts.push(String(part));
    const status = (answer as IncomingMessage).statusCode;
    return { status, error: JSON.parse(parts.join('')).error as string };
  });
  return await Promise.race([upgraded, answered]);
}

const foreign: readonly (readonly [string, Record<string, string>])[] = [
  ['another host', { host: 'evil.example.com' }],
  ['a host that only begins as ours', { host: '127.0.0.1.evil.example.com:8082' }],
  ['another origin', { origin: 'https://evil.example.com' }],
  ['an opaque origin', { origin: 'null' }],
  ['another site', { 'sec-fetch-site': 'cross-site' }],
];

describe('an upgrade of /debug/inspect', () => {
  test.each(foreign)('of %s is refused', async (_, headers) => {
    const { upgrade } = await serve();
    expect(await upgrade(headers)).toMatchObject({ status: 403, error: /^expected / });
  });

  test('of a page of our own, or of no page, is let in', async () => {
    const { upgrade, listener } = await serve();
    expect(await upgrade()).toEqual({ status: 101 });
    const own = { host: 'localhost:12345', origin: `http://localhost:${listener.port}` };
    expect(await upgrade({ ...own, 'sec-fetch-site': 'same-origin' })).toEqual({ status: 101 });
  });

  test('needs a token that the API server knows where others than this machine may ask', async () => {
    const { upgrade } = await serve({ address: '0.0.0.0' });
    expect(await upgrade()).toMatchObject({ status: 401, error: /bearer token/ });
    expect((await upgrade({ authorization: 'Bearer wrong' })).status).toBe(401);
    expect(await upgrade({ authorization: 'Bearer right' })).toEqual({ status: 101 });
    const stranger = { authorization: 'Bearer right', origin: 'https://evil.example.com' };
    expect((await upgrade(stranger)).status).toBe(403);
  });

  test.each([
    ['/debug/inspect', 400, /^expected actor=<id> .* all actors at once are more/],
    ['/debug/inspect?actor=', 400, /^expected actor=<id>/],
    ['/debug/inspect?state=Open', 400, /^expected actor=<id>/],
    ['/debug/inspect?actor=a&type=b', 400, /^expected actor=<id>/],
    ['/debug/inspect?all=true', 400, /^expected one of the parameters actor, type, state/],
    [
      '/debug/inspect?actor=registry:none',
      404,
      /^actor: expected the id of an actor .*registry:none$/,
    ],
    [`/debug/inspect?${'actor=a&'.repeat(17)}`, 400, /^actor: expected /],
    ['/debug/nothing', 404, /^expected an upgrade of GET \/debug\/inspect, got GET/],
    ['/debug/actors', 404, /^expected an upgrade of GET \/debug\/inspect, got GET/],
  ])('at %s is answered with %i and what was expected', async (at, status, error) => {
    const { upgrade } = await serve();
    const answer = await upgrade({}, at);
    expect(answer).toMatchObject({ status, error: expect.stringMatching(error) });
  });

  test('is asked for where there is none', async () => {
    const { listener } = await serve();
    const path = '/debug/inspect?actor=tracked-image:a:1';
    const answer = await fetch(`http://127.0.0.1:${listener.port}${path}`);
    expect([answer.status, answer.headers.get('upgrade')]).toEqual([426, 'websocket']);
  });

  test('is refused where there are as many viewers as there may be', async () => {
    const { upgrade, url } = await serve();
    const sockets = Array.from({ length: viewersMax }, () => new WebSocket(url));
    await Promise.all(sockets.map((socket) => once(socket, 'open')));
    expect(await upgrade()).toMatchObject({ status: 503, error: /^expected at most 16 viewers/ });
    sockets[0]?.terminate();
    await eventually('there is room', async () => (await upgrade()).status === 101);
  });

  test('of another protocol is answered as if it had not been asked for', async () => {
    const { listener } = await serve();
    const sent = request({
      ...{ host: '127.0.0.1', port: listener.port, path: '/debug' },
      headers: { connection: 'upgrade, http2-settings', upgrade: 'h2c', 'http2-settings': '' },
    });
    sent.end();
    const [answer] = (await once(sent, 'response')) as [IncomingMessage];
    answer.resume();
    expect(answer.statusCode).toBe(200);
  });
});

describe('the guard of upgrades', () => {
  /** A server that lets everybody in, behind the guard. */
  async function guarded() {
    const server = createServer();
    const admitted = guardUpgrades(server, {
      path: '/anything',
      admit: async ({ headers }) =>
        headers.origin === undefined
          ? undefined
          : { status: 403, error: 'expected no Origin', headers: {} },
    });
    admitted.on('upgrade', (_: IncomingMessage, socket: Duplex) => {
      socket.end(
        'HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n',
      );
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    onTestFinished(() => void server.close());
    const { port } = server.address() as AddressInfo;
    return { port };
  }

  test('lets nobody through whom it does not admit, whatever listens behind it', async () => {
    const { port } = await guarded();
    const ask = async (headers: Record<string, string>) =>
      await askToUpgrade(port, { at: '/anything', headers });
    expect(await ask({})).toEqual({ status: 101 });
    expect(await ask({ origin: 'null' })).toEqual({ status: 403, error: 'expected no Origin' });
  });

  test('outlives a client that goes while it is being looked at', async () => {
    const server = new EventEmitter();
    const asked = Promise.withResolvers<undefined>();
    const admitted = guardUpgrades(server, { path: '/', admit: async () => await asked.promise });
    let passed = 0;
    admitted.on('upgrade', () => {
      passed += 1;
    });
    const { PassThrough } = await import('node:stream');
    const socket = new PassThrough();
    server.emit('upgrade', {}, socket, Buffer.alloc(0));
    socket.emit('error', new Error('reset'));
    asked.resolve(undefined);
    await new Promise((resolve) => setImmediate(resolve));
    expect([passed, socket.destroyed]).toEqual([0, true]);
  });
});

describe('a viewer', () => {
  test('with the client package sees an actor, its events and where they bring it', async () => {
    const { url, actor, checks } = await serve();
    const frames: StatelyInspectionEvent[] = [];
    const receiver = createWebSocketReceiver({ server: url });
    receiver.subscribe((frame) => frames.push(frame));
    await eventually('the actor is shown', () => frames.length === 1);
    actor('a:1').send({ type: 'check.due' });
    checks[0]?.({ kind: 'verdict', status: 'Available', atMs: 5 });
    await eventually('it is seen to be available', () =>
      frames.some((frame) => JSON.stringify(frame).includes('"availability":"Available"')),
    );
    const session = actor('a:1').sessionId;
    expect(frames[0]).toMatchObject({
      ...{ type: '@xstate.actor', name: 'tracked-image:a:1', sessionId: session },
      definition: expect.stringMatching(/^\{"id":"tracked-image"/),
    });
    const own = frames.filter(({ sessionId }) => sessionId === session);
    expect(own.map(({ type }) => type)).toEqual([
      '@xstate.actor',
      ...['@xstate.event', '@xstate.snapshot', '@xstate.event', '@xstate.snapshot'],
    ]);
  });

  test('that reads nothing loses frames, is told how many, and holds nobody up', async () => {
    const { url, actor, runtime } = await serve();
    const socket = new WebSocket(url);
    const frames: { event?: { type: string; count: number } }[] = [];
    socket.on('message', (data) => frames.push(JSON.parse(String(data))));
    await eventually('the actor is shown', () => frames.length === 1);
    socket.pause();
    for (let round = 0; round < 20; round += 1) {
      for (let time = 0; time < 1_000; time += 1) {
        actor('a:1').send({ type: 'image.used', original: true });
      }
      runtime.clock.advance(1_000);
      await new Promise((resolve) => setImmediate(resolve));
    }
    socket.resume();
    const lost = () =>
      frames.flatMap(({ event }) => (event?.type === 'frames.lost' ? [event.count] : []));
    await eventually('frames are said to be lost', () => {
      runtime.clock.advance(1_000);
      return lost().length > 0;
    });
    expect(lost()[0]).toBeGreaterThan(1_000);
    expect(actor('a:1').getSnapshot().status).toBe('active');
  });

  test('is told when the operator stops, and does not keep it from stopping', async () => {
    const { url, listener } = await serve();
    const sockets = [new WebSocket(url), new WebSocket(url)] as const;
    await Promise.all(sockets.map((socket) => once(socket, 'open')));
    // One that reads nothing any more does not answer either.
    sockets[1].pause();
    const closed = once(sockets[0], 'close');
    const startedMs = performance.now();
    await listener.close();
    expect(performance.now() - startedMs).toBeLessThan(5_000);
    const [code, reason] = await closed;
    expect([code, String(reason)]).toEqual([1001, 'the operator stops']);
    sockets[1].terminate();
  });

  test('is shown nothing any more once it may not look, and told why in what fits', async () => {
    const { inspection, path } = await serve();
    let refused: Refusal | undefined;
    const app = createApp({ log: createLog({ level: 'silent', format: 'json' }), paths: [] });
    const admit = async () => refused;
    app.register(debugInspect, { inspection, admit, lookAgainMs: 20 });
    const listener = await listen(app, { port: 0, host: '127.0.0.1' });
    onTestFinished(async () => await listener.close());
    const socket = new WebSocket(`ws://127.0.0.1:${listener.port}${path}`);
    const closed = once(socket, 'close');
    await once(socket, 'open');
    refused = { status: 503, error: 'the API server does not answer', headers: {} };
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect(socket.readyState).toBe(WebSocket.OPEN);
    refused = { status: 403, error: `expected somebody else, got ${'é'.repeat(200)}`, headers: {} };
    const [code, reason] = await closed;
    expect([code, String(reason)]).toEqual([1008, expect.stringMatching(/^expected .*é…$/)]);
  });
});
