import { once } from 'node:events';
import { request } from 'node:http';
import { request as requestTls } from 'node:https';
import { connect, type Socket } from 'node:net';
import fastify from 'fastify';
import { describe, expect, onTestFinished, test } from 'vitest';
import { type Listener, type ListenOptions, listen } from '#http/listen.ts';
import { buildMetricsApp } from '#http/metrics.ts';
import { listenTls, type TlsListenOptions } from '#http/tls.ts';
import { buildWebhookApp } from '#http/webhook.ts';
import { createLog } from '#telemetry/log.ts';
import { podOf, reviewOf, webhookPath } from '#test/support/operator/reviews.ts';
import { collectGarbage } from '#test/support/processes/garbage.ts';
import { makeAuthority } from '#test/support/registries/tls.ts';
import { eventually } from '#test/support/time/eventually.ts';

const host = '127.0.0.1';
const mebi = 1024 * 1024;

/** The webhook in front of a port that leaves every Pod as it is. */
function webhookApp() {
  const admit = () => ({ patch: [], warnings: [], decisions: [] });
  const log = createLog({ level: 'silent', format: 'json' });
  const metrics = { admission: () => undefined, webhookError: () => undefined };
  return buildWebhookApp({ admit, log, metrics }, { deadlineMs: 1_000 });
}

async function start(app = webhookApp(), options: Partial<ListenOptions> = {}): Promise<Listener> {
  const listener = await listen(app, { port: 0, host, ...options });
  onTestFinished(listener.close);
  return listener;
}

/** A connection on which nothing has been sent; and whether it is closed. */
async function openSocket({ port }: Listener, localAddress = host) {
  const socket: Socket = connect({ host, port, localAddress });
  const ended = { value: false };
  socket.on('close', () => {
    ended.value = true;
  });
  socket.on('error', () => undefined);
  socket.resume();
  onTestFinished(() => void socket.destroy());
  await once(socket, 'connect');
  return { socket, ended };
}

/** One review over a connection of its own; the status of its answer. */
async function review({ port }: Listener, body: string): Promise<number | undefined> {
  const sent = request({ host, port, path: webhookPath, method: 'POST', agent: false });
  sent.end(body);
  const [answer] = await once(sent, 'response');
  answer.resume();
  return answer.statusCode;
}

describe('bodies', () => {
  test('of sixty reviews that are never sent to their end take 64 MiB, and nobody waits for them', async () => {
    const listener = await start();
    const before = process.memoryUsage().arrayBuffers;
    const half = Buffer.alloc(7 * mebi, 'x');
    const sockets = await Promise.all(Array.from({ length: 60 }, () => openSocket(listener)));
    const head = `POST ${webhookPath} HTTP/1.1\r\nhost: a\r\ncontent-length: ${8 * mebi}\r\n\r\n`;
    for (const { socket } of sockets) {
      socket.write(head);
      socket.write(half);
    }
    await eventually(
      'those who wait longest are closed',
      () => sockets.filter(({ ended }) => ended.value).length >= 40,
    );
    // One piece of what the client itself holds, and what is on its way.
    collectGarbage();
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(110 * mebi);
    expect(await review(listener, JSON.stringify(reviewOf()))).toBe(200);
    for (const { socket } of sockets) socket.destroy();
  });

  test('of reviews are taken as large as JSON writes two Pods of 1.5 MiB', async () => {
    const listener = await start();
    const env = [{ name: 'X', value: '<'.repeat(1_450_000) }];
    const pod = podOf('a:1', {}, { containers: [{ name: 'app', image: 'a:1', env }] });
    const both = JSON.stringify(reviewOf(pod, { oldObject: pod }));
    const written = both.replaceAll('<', String.raw`\u003c`);
    expect(written.length).toBeGreaterThan(16 * mebi);
    expect(await review(listener, written)).toBe(200);
  });

  test('that end together are parsed one a turn, and others have turns between', async () => {
    const listener = await start();
    const env = [{ name: 'X', value: '<'.repeat(1_000_000) }];
    const pod = podOf('a:1', {}, { containers: [{ name: 'app', image: 'a:1', env }] });
    const body = JSON.stringify(reviewOf(pod));
    let [turns, turnsAtFirst] = [0, 0];
    const count = () => {
      turns += 1;
      next = setImmediate(count);
    };
    let next = setImmediate(count);
    const answers = Array.from({ length: 8 }, async () => {
      const status = await review(listener, body);
      turnsAtFirst ||= turns;
      return status;
    });
    expect(new Set(await Promise.all(answers))).toEqual(new Set([200]));
    clearImmediate(next);
    expect(turns - turnsAtFirst).toBeGreaterThanOrEqual(5);
  });

  test('that parse to many times their size are refused', async () => {
    const listener = await start();
    expect(await review(listener, `[${'[],'.repeat(2_000_000)}[]]`)).toBe(413);
    expect(await review(listener, JSON.stringify(reviewOf()))).toBe(200);
  });

  test('that come too slowly end with their time', { timeout: 30_000 }, async () => {
    const listener = await start();
    const { socket, ended } = await openSocket(listener);
    socket.write(`POST ${webhookPath} HTTP/1.1\r\nhost: a\r\ncontent-length: 100\r\n\r\n{`);
    const silent = await openSocket(listener);
    const startedMs = performance.now();
    await eventually('both are closed', () => ended.value && silent.ended.value, {
      withinMs: 20_000,
    });
    expect(performance.now() - startedMs).toBeLessThan(15_000);
  });
});

describe('connections', () => {
  test('beyond the bound take those of whoever has most, and others get in', async () => {
    const listener = await start(webhookApp(), { connectionsMax: 10 });
    const greedy = await Promise.all(Array.from({ length: 9 }, () => openSocket(listener)));
    const modest = await openSocket(listener, '127.0.0.2');
    for (let more = 0; more < 20; more += 1) await openSocket(listener);
    await eventually('the oldest are closed', () => greedy.every(({ ended }) => ended.value));
    expect(modest.ended.value).toBe(false);
    expect(await review(listener, JSON.stringify(reviewOf()))).toBe(200);
  });

  test('on which something is asked are closed last', async () => {
    const app = fastify();
    const waiting: (() => void)[] = [];
    app.get('/', async () => await new Promise((resolve) => waiting.push(() => resolve('done'))));
    const listener = await start(app, { connectionsMax: 3 });
    const { socket, ended } = await openSocket(listener);
    socket.write('GET / HTTP/1.1\r\nhost: a\r\n\r\n');
    await eventually('it is asked', () => waiting.length === 1);
    const idle = [await openSocket(listener), await openSocket(listener)];
    await openSocket(listener);
    await eventually('an idle one is closed', () => idle[0]?.ended.value === true);
    expect([ended.value, idle[1]?.ended.value]).toEqual([false, false]);
    waiting[0]?.();
  });
});

describe('the metrics port', () => {
  const ask = async ({ port }: Listener, headers: Readonly<Record<string, string>>) => {
    const sent = request({ host, port, path: '/metrics', agent: false, headers });
    sent.end();
    const [answer] = await once(sent, 'response');
    answer.resume();
    return answer.statusCode;
  };

  test('answers on a loopback address, where a port-forward ends, by names of its own alone', async () => {
    const log = createLog({ level: 'silent', format: 'json' });
    const metrics = async () => ({ contentType: 'text/plain', body: 'up 1' });
    const app = buildMetricsApp({ metrics, log }, { hosts: ['kuik.example.com'] });
    // As the operator does: on all addresses.
    const listener = await listen(app, { port: 0 });
    onTestFinished(listener.close);
    for (const name of ['localhost:8080', '127.0.0.1:1', 'kuik.example.com']) {
      expect([name, await ask(listener, { host: name })]).toEqual([name, 200]);
    }
    for (const name of ['evil.example.com', 'kuik.example.com.evil.com', '192.0.2.7:8080']) {
      expect([name, await ask(listener, { host: name })]).toEqual([name, 403]);
    }
  });
});

describe('a place that cannot be had', () => {
  const flags = { port: '--debug-port', host: '--debug-address' };

  test('is told with the flag that names the port', async () => {
    const { port } = await start();
    await expect(listen(fastify(), { port, host, flags })).rejects.toThrow(
      `--debug-port: expected a free port, ${port} at 127.0.0.1 is taken (EADDRINUSE)`,
    );
  });

  test('is told with the flag that names the address', async () => {
    const elsewhere = listen(fastify(), { port: 0, host: '192.0.2.7', flags });
    await expect(elsewhere).rejects.toThrow(
      '--debug-address: expected an address of this machine, got 192.0.2.7 (EADDRNOTAVAIL)',
    );
  });
});

describe('a webhook that knows its clients', () => {
  const authorities = async () => ({ own: await makeAuthority(), other: await makeAuthority() });

  async function startTls(options: Partial<TlsListenOptions>) {
    const { certificatePem: cert, keyPem: key } = await (await makeAuthority()).issue();
    const certificate = { cert, key };
    const listener = await listenTls(webhookApp(), { port: 0, host, certificate, ...options });
    onTestFinished(listener.close);
    return { listener, certificate };
  }

  async function ask({ port }: Listener, client: object): Promise<number | string | undefined> {
    const asked = requestTls({
      ...{ host, port, path: '/nowhere', agent: false, rejectUnauthorized: false },
      ...client,
    });
    asked.end();
    try {
      const [answer] = await once(asked, 'response');
      answer.resume();
      return answer.statusCode;
    } catch {
      return 'refused';
    }
  }

  test('answers those whose certificate its authority signed, and nobody else', async () => {
    const { own, other } = await authorities();
    const { listener, certificate } = await startTls({ clientAuthority: own.pem });
    const credentialsOf = async (authority: typeof own) => {
      const { certificatePem: cert, keyPem: key } = await authority.issue();
      return { cert, key };
    };
    const right = await credentialsOf(own);
    const wrong = await credentialsOf(other);
    const all = async () => [
      await ask(listener, right),
      await ask(listener, wrong),
      await ask(listener, {}),
    ];
    expect(await all()).toEqual([404, 'refused', 'refused']);
    // Nor does a certificate of ours that is swapped open the door.
    expect(listener.setCertificate(certificate)).toMatchObject({ ok: true });
    expect(await all()).toEqual([404, 'refused', 'refused']);
  });

  test('does not listen with authorities that are none', async () => {
    await expect(startTls({ clientAuthority: 'nonsense' })).rejects.toThrow(
      '--webhook-client-ca: expected certificates as PEM',
    );
  });

  test('asks nobody where it is not told to', async () => {
    const { listener } = await startTls({});
    expect(await ask(listener, {})).toBe(404);
  });
});
