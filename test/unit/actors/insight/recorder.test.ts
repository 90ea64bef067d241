import { expect, test } from 'vitest';
import { Recorder } from '#actors/insight/recorder.ts';
import type { Registries } from '#actors/registries/registries.ts';
import type { Circuit } from '#core/insight/registry-view.ts';

test('a circuit is what it is since it moved, and not since something else of the registry did', () => {
  let now = 1_000;
  let tell: (host: string, to?: Circuit) => void = () => {};
  const recorder = new Recorder({ now: () => now, isKept: () => false });
  recorder.watch({
    onReachability: (listener: typeof tell) => {
      tell = listener;
    },
    onTimed: () => undefined,
    troubleOf: () => 'refused',
  } as unknown as Registries);
  tell('docker.io', 'Closed');
  expect(recorder.circuitSinceMs('docker.io')).toBeUndefined();
  tell('docker.io', 'Open');
  now = 9_000;
  // One that is down is asked again and again: that is no news.
  tell('docker.io', 'HalfOpen');
  tell('docker.io', 'Open');
  expect(recorder.circuitSinceMs('docker.io')).toBe(1_000);
  tell('docker.io', 'Closed');
  expect(recorder.circuitSinceMs('docker.io')).toBe(9_000);
  expect(recorder.circuitSinceMs('quay.io')).toBeUndefined();
  expect(recorder.moves().map(({ from, to }) => `${from} ${to}`)).toEqual([
    'Closed Open',
    'Open Closed',
  ]);
});
