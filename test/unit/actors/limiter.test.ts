import { expect, test } from 'vitest';
import { Limiter, type WaitOptions } from '#actors/limiter.ts';
import { createSimulatedTimerHeap } from '#test/support/time/simulated-timer-heap.ts';

const forever = new AbortController().signal;

function start(options: { readonly concurrency: number; readonly waitingMax: number }) {
  const clock = createSimulatedTimerHeap();
  const limiter = new Limiter({ clock }, options);
  const begun: string[] = [];
  const ends = new Map<string, (value: string) => void>();
  const run = (
    name: string,
    signal: AbortSignal = forever,
    timeoutMs = 0,
    more: Partial<WaitOptions> = {},
  ) =>
    limiter.run(
      () => {
        begun.push(name);
        return new Promise<string>((resolve) => ends.set(name, resolve));
      },
      { signal, timeoutMs, ...more },
    );
  return { clock, limiter, begun, ends, run };
}

const settle = () => new Promise<void>((resolve) => setImmediate(resolve));

test('so many tasks run at once, the rest in the order of their coming', async () => {
  const { limiter, begun, ends, run } = start({ concurrency: 2, waitingMax: 10 });
  const all = ['a', 'b', 'c', 'd'].map((name) => run(name));
  expect([begun, limiter.running, limiter.waiting]).toEqual([['a', 'b'], 2, 2]);
  ends.get('b')?.('done b');
  await settle();
  expect(begun).toEqual(['a', 'b', 'c']);
  ends.get('a')?.('done a');
  await settle();
  ends.get('c')?.('done c');
  ends.get('d')?.('done d');
  expect(await Promise.all(all)).toEqual(
    ['a', 'b', 'c', 'd'].map((name) => ({ kind: 'done', value: `done ${name}` })),
  );
  expect([limiter.running, limiter.waiting]).toEqual([0, 0]);
});

test('who waits too long, or is called off, does not run and takes no place', async () => {
  const { clock, limiter, begun, ends, run } = start({ concurrency: 1, waitingMax: 10 });
  const caller = new AbortController();
  void run('a');
  const late = run('b', forever, 500);
  const gone = run('c', caller.signal);
  const last = run('d', forever, 5_000);
  clock.advance(500);
  caller.abort();
  expect([await late, await gone]).toEqual([{ kind: 'late' }, { kind: 'late' }]);
  ends.get('a')?.('');
  await settle();
  expect([begun, limiter.waiting, clock.size]).toEqual([['a', 'd'], 0, 0]);
  ends.get('d')?.('d');
  expect(await last).toEqual({ kind: 'done', value: 'd' });
});

test('a place stays taken by who runs, although its caller is gone', async () => {
  const { limiter, begun, run } = start({ concurrency: 1, waitingMax: 10 });
  const caller = new AbortController();
  void run('a');
  void run('b', caller.signal);
  caller.abort();
  void run('c');
  await settle();
  expect([begun, limiter.running, limiter.waiting]).toEqual([['a'], 1, 1]);
});

test('beyond its bound nobody waits, and all who wait can be sent away', async () => {
  const { run, limiter, ends } = start({ concurrency: 1, waitingMax: 2 });
  const first = run('a');
  const waiting = [run('b'), run('c')];
  expect(await run('d')).toEqual({ kind: 'full' });
  limiter.dismiss();
  expect(await Promise.all(waiting)).toEqual([{ kind: 'dismissed' }, { kind: 'dismissed' }]);
  ends.get('a')?.('a');
  expect(await first).toEqual({ kind: 'done', value: 'a' });
});

test('a task that rejects rejects for its caller, and the next one runs', async () => {
  const { limiter } = start({ concurrency: 1, waitingMax: 2 });
  const fails = limiter.run(() => Promise.reject(new Error('a bug')), { signal: forever });
  const next = limiter.run(async () => 1, { signal: forever });
  await expect(fails).rejects.toThrow('a bug');
  expect(await next).toEqual({ kind: 'done', value: 1 });
});

test('shares have their turns one after the other, however many wait of one', async () => {
  const { begun, ends, run } = start({ concurrency: 1, waitingMax: 20 });
  const of = (share: string) => (name: string) => void run(name, forever, 0, { share });
  void run('first');
  ['a1', 'a2', 'a3', 'a4'].forEach(of('a'));
  of('b')('b1');
  of('c')('c1');
  of('b')('b2');
  for (let end = 0; end < 8; end += 1) {
    ends.get(begun.at(-1) ?? '')?.('');
    await settle();
  }
  expect(begun).toEqual(['first', 'a1', 'b1', 'c1', 'a2', 'b2', 'a3', 'a4']);
});

test('where the line is full, the last of whoever has most in it makes room for another', async () => {
  const { run, limiter } = start({ concurrency: 1, waitingMax: 3 });
  const of = (share: string, name: string) => run(name, forever, 0, { share });
  void run('first');
  const mine = ['a1', 'a2', 'a3'].map((name) => of('a', name));
  void of('b', 'b1');
  expect(await mine[2]).toEqual({ kind: 'full' });
  expect(limiter.waiting).toBe(3);
  expect(await of('a', 'a4')).toEqual({ kind: 'full' });
  expect(await of('b', 'b2')).toEqual({ kind: 'full' });
});

test('who stays is not sent away with the others', async () => {
  const { run, ends, limiter } = start({ concurrency: 1, waitingMax: 3 });
  void run('first');
  const gone = run('gone');
  const stays = run('stays', forever, 0, { stays: true });
  limiter.dismiss();
  expect(await gone).toEqual({ kind: 'dismissed' });
  ends.get('first')?.('');
  await settle();
  ends.get('stays')?.('here');
  expect(await stays).toEqual({ kind: 'done', value: 'here' });
});
