import { once } from 'node:events';
import { Agent, type IncomingMessage, request } from 'node:http';
import { connect, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import fastify from 'fastify';
import { describe, expect, onTestFinished, test } from 'vitest';
import { type Listener, listen } from '#http/listen.ts';
import { listenTls } from '#http/tls.ts';
import { makeAuthority } from '#test/support/registries/tls.ts';
import { eventually } from '#test/support/time/eventually.ts';

/** A listener whose every request waits until the test lets it go. */
async function start() {
  const waiting: (() => void)[] = [];
  const app = fastify();
  app.get('/', async () => await new Promise((resolve) => waiting.push(() => resolve('done'))));
  app.get('/quick', async () => 'quick');
  const listener = await listen(app, { port: 0, host: '127.0.0.1' });
  const agent = new Agent({ keepAlive: true });
  onTestFinished(async () => {
    agent.destroy();
    await listener.close();
  });
  const get = (path: string) => ask(listener, { agent, path });
  return { listener, waiting, get };
}

interface Answer {
  readonly status: number | undefined;
  readonly connection: string | undefined;
}

/** One request over a connection that is kept alive where the server lets it. */
async function ask(
  { port }: Listener,
  { agent, path }: { readonly agent: Agent; readonly path: string },
): Promise<Answer> {
  const sent = request({ host: '127.0.0.1', port, agent, path });
  sent.end();
  const [answer] = (await once(sent, 'response')) as [IncomingMessage];
  answer.resume();
  await once(answer, 'end');
  return { status: answer.statusCode, connection: answer.headers.connection };
}

/** A connection of its own, open and silent. */
async function openSocket({ port }: Listener): Promise<Socket> {
  const socket = connect(port, '127.0.0.1');
  onTestFinished(() => void socket.destroy());
  socket.on('error', () => undefined);
  await once(socket, 'connect');
  return socket;
}

const held = async (waiting: readonly unknown[], count: number): Promise<unknown> =>
  await eventually(`${count} requests are held`, () => waiting.length === count);

/** Long for a loaded machine; what is awaited ends it before. */
const longMs = 30_000;

describe('a listener that drains', () => {
  test('answers new requests for a while, each with Connection: close', async () => {
    const { listener, get } = await start();
    expect(await get('/quick')).toEqual({ status: 200, connection: 'keep-alive' });
    const drained = listener.drain({ acceptMs: 3_000, finishMs: longMs });
    expect(listener.listening()).toBe(true);
    expect(await get('/quick')).toEqual({ status: 200, connection: 'close' });
    await drained;
    expect(listener.listening()).toBe(false);
    await expect(get('/quick')).rejects.toThrow(/ECONNREFUSED/);
  });

  test('finishes what is in flight, and ends as soon as that is done', async () => {
    const { listener, waiting, get } = await start();
    const inFlight = get('/');
    await held(waiting, 1);
    const startedMs = performance.now();
    const drained = listener.drain({ acceptMs: 50, finishMs: longMs });
    await eventually('no more connections are accepted', () => !listener.listening());
    waiting[0]?.();
    expect(await inFlight).toEqual({ status: 200, connection: 'close' });
    await drained;
    expect(performance.now() - startedMs).toBeLessThan(longMs / 2);
  });

  test('closes connections over which nothing is asked, and waits for none of them', async () => {
    const { listener, get } = await start();
    // One that was used and is idle now, and one that was never used.
    await get('/quick');
    const socket = await openSocket(listener);
    const ended = once(socket, 'close');
    const startedMs = performance.now();
    await listener.drain({ acceptMs: 50, finishMs: longMs });
    await ended;
    expect(performance.now() - startedMs).toBeLessThan(longMs / 2);
  });

  test('waits over TLS neither for a handshake nor for a request that never comes', async () => {
    const { certificatePem: cert, keyPem: key } = await (await makeAuthority()).issue();
    const options = { port: 0, host: '127.0.0.1', certificate: { cert, key } };
    const listener = await listenTls(fastify(), options);
    onTestFinished(listener.close);
    const raw = await openSocket(listener);
    const secure = connectTls({ socket: await openSocket(listener), rejectUnauthorized: false });
    secure.on('error', () => undefined);
    await once(secure, 'secureConnect');
    const ended = Promise.all([once(raw, 'close'), once(secure, 'close')]);
    const startedMs = performance.now();
    await listener.drain({ acceptMs: 50, finishMs: longMs });
    await ended;
    expect(performance.now() - startedMs).toBeLessThan(longMs / 2);
  });

  test('cuts what has not finished in time', async () => {
    const { listener, waiting, get } = await start();
    const cut = expect(get('/')).rejects.toThrow(/socket hang up|ECONNRESET/);
    await held(waiting, 1);
    await listener.drain({ acceptMs: 50, finishMs: 300 });
    await cut;
  });

  test('may be drained and closed once more without harm', async () => {
    const { listener } = await start();
    await Promise.all([
      listener.drain({ acceptMs: 10, finishMs: 100 }),
      listener.drain({ acceptMs: 10, finishMs: 100 }),
    ]);
    await listener.close();
    expect(listener.listening()).toBe(false);
  });
});

describe('a listener', () => {
  test('rejects where its port is taken', async () => {
    const { listener } = await start();
    const second = listen(fastify(), { port: listener.port, host: '127.0.0.1' });
    await expect(second).rejects.toThrow(/EADDRINUSE/);
  });

  test('answers what is no HTTP with 400 and goes on', async () => {
    const { listener, get } = await start();
    const socket = await openSocket(listener);
    socket.write('nonsense\r\n\r\n');
    const [answer] = await once(socket, 'data');
    expect(String(answer)).toMatch(/^HTTP\/1\.1 400 /);
    expect(await get('/quick')).toMatchObject({ status: 200 });
  });

  test('refuses headers beyond its bound with 431', async () => {
    const { listener } = await start();
    const socket = await openSocket(listener);
    socket.write(`GET /quick HTTP/1.1\r\nhost: a\r\nx: ${'y'.repeat(20_000)}\r\n\r\n`);
    const [answer] = await once(socket, 'data');
    expect(String(answer)).toMatch(/^HTTP\/1\.1 431 /);
  });
});
