import { describe, expect, onTestFinished, test } from 'vitest';
import type { ActorListQuery, ActorPage } from '#core/actor-view.ts';
import { createApp } from '#http/app.ts';
import { debugActors } from '#http/routes/debug-actors.ts';
import { createLog } from '#telemetry/log.ts';

const actor = { id: 'registry:quay.io', type: 'registry', state: ['Known'], since: 'now' };
const page: ActorPage = { actors: [actor], total: 1, next: null };

/** The routes before a port that keeps what it was asked. */
function stage(answer: () => Promise<ActorPage> = async () => page) {
  const lists: ActorListQuery[] = [];
  const app = createApp({ log: createLog({ level: 'silent', format: 'json' }), paths: [] });
  onTestFinished(async () => await app.close());
  app.register(debugActors, {
    actors: {
      list: async (query) => {
        lists.push(query);
        return await answer();
      },
      get: (id) =>
        id === actor.id
          ? { ...actor, context: {}, transitions: [], children: [], childrenTotal: 0 }
          : undefined,
      leader: () => null,
    },
  });
  const get = async (url: string) => {
    const { statusCode, body } = await app.inject({ method: 'GET', url });
    return { status: statusCode, text: body };
  };
  return { get, lists };
}

const errorOf = ({ text }: { readonly text: string }): string => JSON.parse(text).error;

describe('/debug/actors', () => {
  test.each<[string, object]>([
    ['', {}],
    ['?type=registry&state=Closed', { type: 'registry', state: 'Closed' }],
    ['?q=quay.io&limit=1&cursor=registry:a', { q: 'quay.io', limit: 1, cursor: 'registry:a' }],
    ['?limit=200', { limit: 200 }],
    ['?since=2026-01-02T03:04:05Z', { sinceMs: Date.parse('2026-01-02T03:04:05Z') }],
  ])('%s asks for that', async (query, expected) => {
    const { get, lists } = stage();
    expect((await get(`/debug/actors${query}`)).status).toBe(200);
    expect(lists).toEqual([{ limit: 200, ...expected }]);
  });

  test.each<[string, string]>([
    ['?limit=0', 'limit: expected a number from 1 to 200, got 0'],
    ['?limit=201', 'limit: expected a number from 1 to 200, got 201'],
    ['?limit=1.5', 'limit: expected a number from 1 to 200, got "1.5"'],
    ['?limit=many', 'limit: expected a number from 1 to 200, got "many"'],
    ['?limit=1&limit=2', 'limit: expected a number from 1 to 200, got ["1","2"]'],
    [
      '?since=yesterday',
      'since: expected a time as RFC 3339 has it, or how long ago, such as 5m, got "yesterday"',
    ],
    [
      '?kind=a',
      'expected one of the parameters type, state, q, since, limit, offset, cursor, got kind',
    ],
    [
      '?__proto__=a',
      'expected one of the parameters type, state, q, since, limit, offset, cursor, got __proto__',
    ],
  ])('%s is refused with what was expected', async (query, message) => {
    const { get, lists } = stage();
    const answer = await get(`/debug/actors${query}`);
    expect([answer.status, errorOf(answer)]).toEqual([400, message]);
    expect(lists).toEqual([]);
  });

  test.each(['/debug/actors/registry:quay.io', '/debug/actors/registry%3Aquay.io'])(
    'shows one actor at %s',
    async (url) => {
      expect(JSON.parse((await stage().get(url)).text)).toMatchObject({ ...actor, children: [] });
    },
  );

  test('says of an actor that is not there how to find one', async () => {
    const answer = await stage().get('/debug/actors/tracked-image:a/quay.io/team/app:1');
    expect(answer.status).toBe(404);
    expect(errorOf(answer)).toBe(
      'expected the id of a running actor (see /debug/actors), got tracked-image:a/quay.io/team/app:1',
    );
  });

  test('looks for what happened lately from now on back', async () => {
    const { get, lists } = stage();
    const beforeMs = Date.now();
    await get('/debug/actors?since=5m');
    const ago = beforeMs - (lists[0]?.sinceMs ?? 0);
    expect(ago).toBeGreaterThan(300_000 - 10_000);
    expect(ago).toBeLessThanOrEqual(300_000);
  });

  test('searches once for all who ask the same, and one after the other for those who do not', async () => {
    let searching = 0;
    let most = 0;
    const { get, lists } = stage(async () => {
      searching += 1;
      most = Math.max(most, searching);
      await new Promise((resolve) => setTimeout(resolve, 5));
      searching -= 1;
      return page;
    });
    const asked = ['a', 'b', 'c', 'a', 'b', 'c'].map((q) => get(`/debug/actors?q=${q}`));
    for (const { status } of await Promise.all(asked)) expect(status).toBe(200);
    expect(lists.map(({ q }) => q)).toEqual(['a', 'b', 'c']);
    expect(most).toBe(1);
  });

  test('sends those away who would wait for too many, and pages none of them', async () => {
    const never = Promise.withResolvers<ActorPage>();
    const { get } = stage(() => never.promise);
    const asked = Array.from({ length: 40 }, (_, index) => get(`/debug/actors?q=${index}`));
    const first = await Promise.race(asked);
    expect(first.status).toBe(503);
    never.resolve(page);
    const statuses = (await Promise.all(asked)).map(({ status }) => status);
    expect(statuses.filter((status) => status === 200)).toHaveLength(33);
  });
});
