import { describe, expect, test } from 'vitest';
import { isWatch, refusal, ruleFor } from '#test/support/api-server/api-proxy.ts';
import { expiredLine } from '#test/support/api-server/open-watches.ts';
import { startWatchStage, type WatchStage } from '#test/support/api-server/watch-stage.ts';
import { eventually } from '#test/support/time/eventually.ts';

const expired = refusal(410, 'Expired');
const lists = ({ phases }: WatchStage) => phases.filter(({ phase }) => phase === 'Listing').length;
const kindsTold = ({ told, namespace }: WatchStage) =>
  told.map(({ kind, key }) => `${kind} ${key.slice(namespace.length + 1)}`);

async function watching({ proxy }: WatchStage): Promise<void> {
  await eventually('a watch is open', () => proxy.watches.open().length === 1);
}

/** Changes the world while no watch can tell of it. */
async function changeUnseen(stage: WatchStage): Promise<void> {
  stage.proxy.setRules(ruleFor('watch', { fault: refusal(503, 'ServiceUnavailable') }));
  stage.proxy.watches.cut();
  await stage.create('new');
  await stage.change('changed', '2');
  await stage.remove('gone');
}

/** Whether the store has followed `changeUnseen`, and told it so. */
async function followed(stage: WatchStage, before: number): Promise<void> {
  await eventually('the store has followed', () => {
    expect([stage.valueOf('new'), stage.valueOf('changed'), stage.valueOf('gone')]).toEqual([
      '1',
      '2',
      undefined,
    ]);
    return true;
  });
  const told = kindsTold(stage).slice(before);
  expect(told).toEqual(expect.arrayContaining(['added new', 'updated changed', 'deleted gone']));
}

async function stageWithTwo(): Promise<WatchStage> {
  const stage = await startWatchStage({
    prepare: async ({ create }) => {
      await create('changed');
      await create('gone');
    },
  });
  await watching(stage);
  return stage;
}

describe('a watch whose version is too old', () => {
  test('is refused with 410: one list finds what was made, changed and deleted', async () => {
    const stage = await stageWithTwo();
    const before = stage.told.length;
    await changeUnseen(stage);
    stage.proxy.setRules(ruleFor('watch', { fault: expired, times: 1 }));
    await followed(stage, before);
    expect(lists(stage)).toBe(2);
  });

  test('ends with an ERROR line: the same, at once', async () => {
    const stage = await stageWithTwo();
    stage.proxy.resetCounts();
    expect(stage.proxy.watches.send(expiredLine)).toBe(1);
    await eventually('it watches anew', () => stage.proxy.requests().filter(isWatch).length === 1);
    await stage.create('new');
    await eventually('the store has followed', () => stage.valueOf('new') === '1');
    expect(lists(stage)).toBe(2);
    expect(stage.phases.filter(({ phase }) => phase === 'BackingOff')).toEqual([]);
  });

  test('is not asked for in a loop by a server that never knows it', async () => {
    const stage = await stageWithTwo();
    stage.proxy.setRules(ruleFor('watch', { fault: expired }));
    stage.proxy.watches.cut();
    await eventually('it gives the server ever more time', () => {
      expect(stage.phases.filter(({ phase }) => phase === 'BackingOff').length).toBeGreaterThan(4);
      return true;
    });
    // The first wait of a row is the failed connection's, the second 410 has the next.
    expect(lists(stage)).toBeLessThanOrEqual(
      stage.phases.filter(({ phase }) => phase === 'BackingOff').length + 2,
    );
    stage.proxy.setRules();
    await stage.create('new');
    await eventually('the store has followed', () => stage.valueOf('new') === '1');
  });
});

test('an ERROR line that is no 410 costs a new watch, not a list', async () => {
  const stage = await stageWithTwo();
  stage.proxy.resetCounts();
  const object = { ...expiredLine.object, code: 500, reason: 'InternalError' };
  stage.proxy.watches.send({ ...expiredLine, object });
  await stage.create('new');
  await eventually('the store has followed', () => stage.valueOf('new') === '1');
  expect(lists(stage)).toBe(1);
  expect(stage.proxy.requests().filter(isWatch)).toHaveLength(1);
});

test('a watch that dies without a word is noticed by its silence', async () => {
  const stage = await startWatchStage({ silenceMs: 1_500 });
  await watching(stage);
  expect(stage.proxy.watches.silence()).toBe(1);
  await stage.create('new');
  await eventually('the store has followed', () => stage.valueOf('new') === '1');
  const said = stage.phases.filter(({ phase }) => phase === 'BackingOff');
  expect(said[0]?.detail).toContain('1500 ms');
});

test('a server that takes the request for a watch and never answers is noticed too', async () => {
  const stage = await startWatchStage({ silenceMs: 1_000 });
  await watching(stage);
  stage.proxy.setRules(ruleFor('watch', { fault: { kind: 'hang' }, times: 1 }));
  stage.proxy.watches.cut();
  await stage.create('new');
  await eventually('the store has followed', () => stage.valueOf('new') === '1');
  expect(stage.phases.map(({ detail }) => detail).join()).toContain('1000 ms');
});

describe('a list', () => {
  test('begins anew when the token of its next page has expired', async () => {
    const maps = Array.from({ length: 12 }, (_, index) => `map-${index}`);
    const stage = await startWatchStage({
      pageObjects: 5,
      prepare: async ({ proxy, create }) => {
        await Promise.all(maps.map((name) => create(name)));
        proxy.setRules({ query: /continue=/, fault: expired, times: 2 });
      },
    });
    expect(stage.store.size()).toBe((await stage.listed()).size);
    expect(lists(stage)).toBe(3);
    await stage.change('map-9', '2');
    await eventually('it watches on from there', () => stage.valueOf('map-9') === '2');
  });

  test('that was cut short forgets nothing and is not taken for the whole', async () => {
    const stage = await stageWithTwo();
    await changeUnseen(stage);
    stage.proxy.setRules(
      ruleFor('watch', { fault: expired, times: 1 }),
      ruleFor('list', { fault: { kind: 'truncate' }, times: 1 }),
      ruleFor('list', { fault: { kind: 'answer', status: 200, body: '{}' }, times: 1 }),
    );
    await eventually('it has listed again', () => lists(stage) >= 3);
    expect(stage.valueOf('changed')).toBeDefined();
    await eventually('the store has followed', () => stage.valueOf('new') === '1');
    expect(stage.told.filter(({ kind }) => kind === 'deleted').map(({ key }) => key)).toEqual([
      `${stage.namespace}/gone`,
    ]);
  });

  test('is asked for no sooner than Retry-After says', async () => {
    const throttled = refusal(429, 'TooManyRequests', { 'retry-after': '1' });
    const stage = await startWatchStage({
      prepare: async ({ proxy }) => proxy.setRules(ruleFor('list', { fault: throttled, times: 2 })),
    });
    const atMs = stage.phases.filter(({ phase }) => phase === 'Listing').map((one) => one.atMs);
    expect(atMs).toHaveLength(3);
    for (const [index, ms] of atMs.slice(1).entries()) {
      // Node's timers and its clock may differ by a millisecond.
      expect(ms - atMs[index]!).toBeGreaterThanOrEqual(999);
    }
  });
});

test('an object that cannot be cut down is left out and said; the others go on', async () => {
  const unfit: string[] = [];
  const stage = await startWatchStage({
    slim: (object) => {
      const value = String((object['data'] as { value?: string } | undefined)?.value);
      if (value === 'odd') throw new Error('expected no odd value');
      return { version: '', value };
    },
    onUnfit: (key) => unfit.push(key),
    prepare: async ({ create }) => {
      await create('listed', 'odd');
      await create('fit');
    },
  });
  await stage.create('watched', 'odd');
  await stage.change('fit', 'odd');
  await stage.create('last');
  await eventually('the store has followed', () => stage.valueOf('last') === '1');
  expect(['listed', 'watched', 'fit'].map(stage.valueOf)).toEqual([
    undefined,
    undefined,
    undefined,
  ]);
  expect(unfit.map((key) => key.slice(stage.namespace.length + 1))).toEqual([
    'listed',
    'watched',
    'fit',
  ]);
});
