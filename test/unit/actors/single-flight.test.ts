import { expect, test } from 'vitest';
import { createSingleFlight } from '#actors/single-flight.ts';

const forever = new AbortController().signal;

test('what was forgotten is asked anew, and an answer that was on its way is not remembered', async () => {
  const waiting: ((value: string) => void)[] = [];
  const flights = createSingleFlight<string>({
    now: () => 0,
    memoryMs: () => 5_000,
    entriesMax: 10,
    onBug: (error) => {
      throw error;
    },
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
