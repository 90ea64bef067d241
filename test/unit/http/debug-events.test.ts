import { get, type IncomingMessage } from 'node:http';
import { text } from 'node:stream/consumers';
import fastify from 'fastify';
import { expect, onTestFinished, test } from 'vitest';
import type { InsightNews } from '#core/insight/insight.ts';
import { Listeners } from '#core/listeners.ts';
import { debugEvents } from '#http/routes/debug-events.ts';
import { eventually } from '#test/support/time/eventually.ts';

const viewersMax = 32;

/** The stream over news that a test tells. */
async function serve() {
  const news = new Listeners<[InsightNews]>();
  let following = 0;
  const app = fastify();
  await app.register(debugEvents, {
    insight: {
      follow: (listener) => {
        following += 1;
        const stop = news.subscribe(listener);
        return () => {
          following -= 1;
          stop();
        };
      },
    },
  });
  const url = await app.listen({ port: 0, host: '127.0.0.1' });
  onTestFinished(async () => await app.close());
  /** By a connection of its own, which `fetch` would open again by itself. */
  const open = () =>
    new Promise<IncomingMessage>((resolve, reject) => {
      get(`${url}/debug/events`, { agent: false }, resolve).once('error', reject);
    });
  const tellLeader = (leader: string) =>
    news.tell({ event: 'leader', data: { at: 'now', leader } });
  return { app, open, tellLeader, following: () => following };
}

/** What a stream that was opened has brought, so far. */
function readOn(answer: IncomingMessage): () => string {
  let read = '';
  answer.setEncoding('utf8').on('data', (part: string) => {
    read += part;
  });
  return () => read;
}

test('tells what happens, numbered, and ends when the operator stops', async () => {
  const { app, open, tellLeader } = await serve();
  const answer = await open();
  expect(answer.headers['content-type']).toBe('text/event-stream; charset=utf-8');
  tellLeader('kuik-0');
  tellLeader('kuik-1');
  await app.close();
  const told = await text(answer);
  expect(told).toContain('id: 1\nevent: leader\ndata: {"at":"now","leader":"kuik-0"}\n\n');
  expect(told).toContain('id: 2\n');
});

test('has a place for so many viewers, and for another when one goes', async () => {
  const { open, following, tellLeader } = await serve();
  const opened = await Promise.all(Array.from({ length: viewersMax }, open));
  const refused = await open();
  expect(refused.statusCode).toBe(503);
  expect(JSON.parse(await text(refused))).toMatchObject({ error: expect.stringContaining('32') });
  opened[0]?.destroy();
  const next = await eventually('one is gone', async () => {
    const another = await open();
    if (another.statusCode === 200) return another;
    another.destroy();
    return undefined;
  });
  expect(following()).toBe(1);
  const reading = [...opened.slice(1), next].map(readOn);
  tellLeader('kuik-1');
  await eventually('all have heard', () => reading.every((read) => read().includes('kuik-1')));
  for (const viewer of [...opened, next]) viewer.destroy();
  await eventually('nobody looks', () => following() === 0);
});

test('follows what happens once for all, and only while somebody looks', async () => {
  const { open, following } = await serve();
  expect(following()).toBe(0);
  for (const _ of ['first', 'again']) {
    const viewers = await Promise.all([open(), open()]);
    expect(following()).toBe(1);
    for (const viewer of viewers) viewer.destroy();
    await eventually('nobody looks', () => following() === 0);
  }
});

test('loses events of one that does not read, says how many, and holds nobody up', async () => {
  const { app, open, tellLeader } = await serve();
  const answer = await open();
  const large = 'x'.repeat(64 * 1_024);
  const sent = 400;
  for (let index = 0; index < sent; index += 1) {
    tellLeader(large);
    // The system's own buffers fill first.
    await new Promise(setImmediate);
  }
  const reading = text(answer);
  await eventually('it has caught up', async () => {
    tellLeader('the last');
    return true;
  });
  await new Promise((resolve) => setTimeout(resolve, 300));
  tellLeader('the very last');
  await app.close();
  const all = await reading;
  const lost = [...all.matchAll(/event: lost\ndata: \{"count":(\d+)\}/g)].map(([, count]) =>
    Number(count),
  );
  const told = all.match(/event: leader/g)?.length ?? 0;
  expect(lost.length).toBeGreaterThan(0);
  expect(told + lost.reduce((sum, count) => sum + count, 0)).toBe(sent + 2);
  expect(all).toContain('the very last');
});
