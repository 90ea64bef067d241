import { expect, test } from 'vitest';
import { SingleFlight } from '#actors/single-flight.ts';
import { createTestRuntime } from '#test/support/time/test-runtime.ts';

const forever = new AbortController().signal;

test('what was forgotten is asked anew, and an answer that was on its way is not remembered', async () => {
  const waiting: ((value: string) => void)[] = [];
  const flights = new SingleFlight<string>(createTestRuntime(), {
    name: 'secrets',
    memoryMs: () => 5_000,
    entriesMax: 10,
  });
  const ask = () => {
    const run = () => new Promise<string>((resolve) => waiting.push(resolve));
    return flights.ask({ key: 'secret', run, lingers: true }, forever);
  };
  const first = ask();
  flights.forget('secret');
  const second = ask();
  waiting[1]?.('new');
  expect(await second).toEqual({ value: 'new', remembered: false });
  waiting[0]?.('old');
  // Who asked before still gets an answer; nobody after does.
  expect(await first).toEqual({ value: 'old', remembered: false });
  expect(await ask()).toEqual({ value: 'new', remembered: true });
  flights.forget('secret');
  const third = ask();
  waiting[2]?.('newest');
  expect(await third).toEqual({ value: 'newest', remembered: false });
});

test('a bug that nobody waits for any more is in log and metric', async () => {
  const runtime = createTestRuntime();
  const flights = new SingleFlight<string>(runtime, {
    ...{ name: 'secrets', memoryMs: () => 0, entriesMax: 10 },
  });
  const { promise, reject } = Promise.withResolvers<string>();
  const nobody = new AbortController();
  const asked = flights.ask({ key: 'a', run: () => promise, lingers: true }, nobody.signal);
  nobody.abort();
  expect(await asked).toBeUndefined();
  reject(new Error('a bug'));
  await new Promise((resolve) => setImmediate(resolve));
  expect(runtime.lines()).toMatchObject([{ level: 'error', actor: 'secrets' }]);
  expect(await runtime.text()).toContain('actor_crashes_total{type="secrets"} 1');
});

test('whoever asks when all has ended waits for answers and for bugs alike', async () => {
  const flights = new SingleFlight<string>(createTestRuntime(), {
    ...{ name: 'secrets', memoryMs: () => 0, entriesMax: 10 },
  });
  const [a, b] = [Promise.withResolvers<string>(), Promise.withResolvers<string>()];
  const asked = [
    flights.ask({ key: 'a', run: () => a.promise, lingers: true }, forever),
    flights.ask({ key: 'b', run: () => b.promise, lingers: true }, forever),
  ];
  const ended: string[] = [];
  void flights.ended('a').then(() => ended.push('a'));
  void flights.ended().then(() => ended.push('all'));
  await flights.ended('nobody asked');
  expect(ended).toEqual([]);
  a.resolve('an answer');
  await asked[0];
  expect(ended).toEqual(['a']);
  b.reject(new Error('a bug'));
  await expect(asked[1]).rejects.toThrow('a bug');
  await new Promise((resolve) => setImmediate(resolve));
  expect(ended).toEqual(['a', 'all']);
});
