import fc from 'fast-check';
import { afterEach, expect, test } from 'vitest';
import { setup } from 'xstate';
import { listActors } from '#actors/actor-list.ts';
import { supervise } from '#actors/supervisor.ts';
import { KuikSystem } from '#actors/system.ts';
import type { ActorListQuery } from '#core/actor-view.ts';
import { readType } from '#telemetry/transitions.ts';
import { longestTurn } from '#test/support/time/longest-turn.ts';
import { createTestRuntime } from '#test/support/time/test-runtime.ts';

const doorMachine = setup({ types: { events: {} as { type: 'open' } } }).createMachine({
  id: 'door',
  initial: 'Shut',
  states: { Shut: { on: { open: 'Ajar' } }, Ajar: {} },
});

const running = new Set<KuikSystem>();
afterEach(() => {
  for (const system of running) system.stop();
  running.clear();
});

/** A system with actors of these ids below one supervisor. */
function start(ids: readonly string[]) {
  const runtime = createTestRuntime();
  runtime.log.level = 'silent';
  const system = new KuikSystem(runtime);
  running.add(system);
  const logic = supervise(runtime, { type: '', logic: doorMachine, policy: 'object' });
  system.always({ id: 'doors', logic });
  system.start();
  const doors = system.find(system.permanent()[0]?.id ?? '');
  for (const key of ids) doors?.send({ type: 'child.add', key, input: undefined });
  const open = (id: string) => system.root.system.get(id).send({ type: 'open' });
  const remove = (key: string) => doors?.send({ type: 'child.remove', key });
  return { system, runtime, open, remove };
}

/** All pages of a question, one after the other. */
async function readAll(system: KuikSystem, query: Omit<ActorListQuery, 'limit'>, limit: number) {
  const ids: string[] = [];
  let cursor: string | null = null;
  let total: number;
  do {
    const page = await listActors(system, { ...query, limit, ...(cursor !== null && { cursor }) });
    ids.push(...page.actors.map(({ id }) => id));
    ({ total, next: cursor } = page);
  } while (cursor !== null);
  return { ids, total };
}

const word = fc.string({ unit: fc.constantFrom('a', 'b', '-', ':', ';', 'é'), maxLength: 4 });

test('pages, types and searches are what plain filtering and sorting make of the ids', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.uniqueArray(
        word.filter((id) => id !== ''),
        { minLength: 1, maxLength: 40 },
      ),
      fc.record({
        type: fc.option(word),
        q: fc.option(word),
        state: fc.option(fc.constant('Ajar')),
      }),
      fc.integer({ min: 1, max: 7 }),
      async (ids, { type, q, state }, limit) => {
        const { system, open } = start(ids);
        const opened = ids.filter((_, index) => index % 2 === 0);
        for (const id of opened) open(id);
        const query = {
          ...(type !== null && { type }),
          ...(q !== null && { q }),
          ...(state !== null && { state }),
        };
        const expected = ['kuik', 'doors', ...ids]
          .filter((id) => type === null || readType(id) === type)
          .filter((id) => q === null || id.includes(q))
          .filter((id) => state === null || opened.includes(id))
          .sort();
        expect(await readAll(system, query, limit)).toEqual({
          ids: expected,
          total: expected.length,
        });
        for (let offset = 0; offset <= expected.length + 1; offset += 1) {
          const { actors, total } = await listActors(system, { ...query, limit, offset });
          expect(actors.map(({ id }) => id)).toEqual(expected.slice(offset, offset + limit));
          expect(total).toBe(expected.length);
        }
        system.stop();
      },
    ),
    { numRuns: 100 },
  );
});

test('since finds who entered their state then or later', async () => {
  const { system, runtime, open } = start(['door:a', 'door:b']);
  runtime.clock.advance(60_000);
  const sinceMs = runtime.now();
  open('door:b');
  expect(await readAll(system, { sinceMs }, 10)).toEqual({ ids: ['door:b'], total: 1 });
  expect(await readAll(system, { sinceMs, state: 'Shut' }, 10)).toEqual({ ids: [], total: 0 });
});

test('a cursor goes on after an actor that is gone', async () => {
  const { system, remove } = start(['door:a', 'door:b', 'door:c']);
  const first = await listActors(system, { type: 'door', limit: 2 });
  remove('door:b');
  const second = await listActors(system, { type: 'door', limit: 2, cursor: first.next ?? '' });
  expect(second.actors.map(({ id }) => id)).toEqual(['door:c']);
  expect(second.total).toBe(2);
});

test('a search through 20,000 leaves the event loop to others in between', async () => {
  const { system } = start(Array.from({ length: 20_000 }, (_, index) => `door:${index}`));
  const { longestMs, result } = await longestTurn(
    async () => await listActors(system, { q: '999', state: 'Shut', limit: 200 }),
  );
  expect(result.total).toBe(38);
  // A turn is 4 ms of searching.
  expect(longestMs).toBeLessThan(30);
});
