import fastify from 'fastify';
import { describe, expect, onTestFinished, test } from 'vitest';
import type { Access, AccessQuestion } from '#core/access.ts';
import { bearerCheck, requireBearer } from '#http/require-bearer.ts';

/** An app behind a door, and which tokens the API server was asked about. */
function stage(answer: (question: AccessQuestion) => Promise<Access> | Access) {
  const asked: AccessQuestion[] = [];
  const app = fastify();
  onTestFinished(async () => await app.close());
  const check = bearerCheck(async (question) => {
    asked.push(question);
    return await answer(question);
  });
  requireBearer(app, check);
  app.get('/debug', async () => 'inside');
  const get = async (authorization?: string) => {
    const headers = authorization === undefined ? {} : { authorization };
    const { statusCode, body, headers: sent } = await app.inject({ url: '/debug', headers });
    return { status: statusCode, body, challenge: sent['www-authenticate'] };
  };
  return { app, asked, get };
}

const allowed = (): Access => ({ kind: 'allowed' });

describe('a door that tokens open', () => {
  test('lets in who may, and asks about /debug whatever path it is', async () => {
    const { get, asked } = stage(allowed);
    expect(await get('Bearer good')).toMatchObject({ status: 200, body: 'inside' });
    expect(asked).toEqual([{ token: 'good', path: '/debug' }]);
  });

  test.each([
    [undefined],
    [''],
    ['Basic dXNlcjpwYXNz'],
    ['Bearer'],
    ['Bearer '],
    ['Bearer two words'],
    ['Bearer ünïcode'],
    [`Bearer ${'x'.repeat(16_385)}`],
  ])('answers 401 to %j, and asks nobody', async (authorization) => {
    const { get, asked } = stage(allowed);
    expect(await get(authorization)).toMatchObject({
      status: 401,
      challenge: expect.stringMatching(/^Bearer/),
    });
    expect(asked).toEqual([]);
  });

  test.each<[Access, number]>([
    [{ kind: 'unknown' }, 401],
    [{ kind: 'forbidden', user: 'eve' }, 403],
    [{ kind: 'unanswered', message: 'no answer in time' }, 503],
  ])('answers %j with %i, everywhere', async (access, status) => {
    const { app } = stage(() => access);
    for (const url of ['/debug', '/debug/nowhere', '/']) {
      const answer = await app.inject({ url, headers: { authorization: 'Bearer token' } });
      expect(answer.statusCode).toBe(status);
      expect(answer.json()).toEqual({ error: expect.stringMatching(/^expected /) });
      expect(answer.body).not.toContain('token"');
    }
  });

  test('asks once about a token, however many requests come with it', async () => {
    const { get, asked } = stage(allowed);
    await Promise.all(Array.from({ length: 20 }, () => get('Bearer good')));
    expect((await get('Bearer good')).status).toBe(200);
    expect(asked).toHaveLength(1);
  });

  test('asks again at once where the API server could not be asked', async () => {
    const answers: Access[] = [{ kind: 'unanswered', message: 'no answer in time' }, allowed()];
    const { get } = stage(() => answers.shift() ?? allowed());
    expect((await get('Bearer good')).status).toBe(503);
    expect((await get('Bearer good')).status).toBe(200);
  });

  test('takes no answer about one token for another', async () => {
    const { get } = stage(({ token }) => (token === 'good' ? allowed() : { kind: 'unknown' }));
    expect((await get('Bearer good')).status).toBe(200);
    expect((await get('Bearer goo')).status).toBe(401);
    expect((await get('Bearer Good')).status).toBe(401);
  });

  test('asks about a few made-up ones at once, and not about all that come', async () => {
    const { promise, resolve } = Promise.withResolvers<Access>();
    const { get, asked } = stage(() => promise);
    const answers = Array.from({ length: 100 }, (_, index) => get(`Bearer made-up-${index}`));
    const first = await Promise.race(answers);
    expect(first.status).toBe(503);
    expect(asked.length).toBeLessThanOrEqual(4);
    resolve({ kind: 'unknown' });
    const statuses = (await Promise.all(answers)).map(({ status }) => status);
    expect(statuses.filter((status) => status === 401).length).toBeLessThanOrEqual(20);
  });
});
