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
  const open = async () => {
    const stop = new AbortController();
    const answer = await fetch(`${url}/debug/events`, { signal: stop.signal });
    return { answer, stop };
  };
  const tellLeader = (leader: string) =>
    news.tell({ event: 'leader', data: { at: 'now', leader } });
  return { app, open, tellLeader, following: () => following };
}

async function readAll(body: AsyncIterable<Uint8Array> | null): Promise<string> {
  let text = '';
  for await (const part of body ?? []) text += Buffer.from(part).toString();
  return text;
}

test('tells what happens, numbered, and ends when the operator stops', async () => {
  const { app, open, tellLeader } = await serve();
  const { answer } = await open();
  expect(answer.headers.get('content-type')).toBe('text/event-stream; charset=utf-8');
  tellLeader('kuik-0');
  tellLeader('kuik-1');
  await app.close();
  const text = await readAll(answer.body);
  expect(text).toContain('id: 1\nevent: leader\ndata: {"at":"now","leader":"kuik-0"}\n\n');
  expect(text).toContain('id: 2\n');
});

test('has a place for so many viewers, and for another when one goes', async () => {
  const { open, following } = await serve();
  const opened = await Promise.all(Array.from({ length: viewersMax }, open));
  const refused = await open();
  expect(refused.answer.status).toBe(503);
  expect(await refused.answer.json()).toMatchObject({ error: expect.stringContaining('32') });
  opened[0]?.stop.abort();
  await eventually('one is gone', () => following() === viewersMax - 1);
  const next = await open();
  expect(next.answer.status).toBe(200);
  for (const { stop } of [...opened, next]) stop.abort();
});

test('loses events of one that does not read, says how many, and holds nobody up', async () => {
  const { app, open, tellLeader } = await serve();
  const { answer } = await open();
  const large = 'x'.repeat(64 * 1_024);
  const sent = 400;
  for (let index = 0; index < sent; index += 1) {
    tellLeader(large);
    // The system's own buffers fill first.
    await new Promise(setImmediate);
  }
  const reading = readAll(answer.body);
  await eventually('it has caught up', async () => {
    tellLeader('the last');
    return true;
  });
  await new Promise((resolve) => setTimeout(resolve, 300));
  tellLeader('the very last');
  await app.close();
  const text = await reading;
  const lost = [...text.matchAll(/event: lost\ndata: \{"count":(\d+)\}/g)].map(([, count]) =>
    Number(count),
  );
  const told = text.match(/event: leader/g)?.length ?? 0;
  expect(lost.length).toBeGreaterThan(0);
  expect(told + lost.reduce((sum, count) => sum + count, 0)).toBe(sent + 2);
  expect(text).toContain('the very last');
});
