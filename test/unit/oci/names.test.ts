import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { NameError, Names } from '#oci/names.ts';

interface Asked {
  readonly hostname: string;
  readonly signal: AbortSignal;
  readonly answer: (addresses: readonly string[]) => void;
}

/** Names whose look-ups are answered by the test, and end as the resolver's do when called off. */
function makeNames() {
  const asked: Asked[] = [];
  const names = new Names(
    (hostname, signal) =>
      new Promise((resolve, reject) => {
        signal.addEventListener('abort', () => reject(new NameError(hostname, 'EAI_AGAIN')));
        const answer = (addresses: readonly string[]): void => {
          if (addresses.length > 0) resolve(addresses);
          else reject(new NameError(hostname, 'ENOTFOUND'));
        };
        asked.push({ hostname, signal, answer });
      }),
    () => performance.now(),
  );
  const told: Record<string, unknown> = {};
  const find = (hostname: string, share?: string): void => {
    const key = share === undefined ? hostname : `${share} ${hostname}`;
    names.find(hostname, share).then(
      (addresses) => {
        told[key] = addresses;
      },
      (error: NameError) => {
        told[key] = error.message;
      },
    );
  };
  const hostnames = () => asked.map(({ hostname }) => hostname);
  return { asked, hostnames, find, told };
}

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

describe('a look-up', () => {
  test('is one for all who ask for the same name at once, and anew afterwards', async () => {
    const { asked, find, told, hostnames } = makeNames();
    find('a.example.com', 'team');
    find('a.example.com', 'other');
    find('a.example.com');
    find('b.example.com');
    expect(hostnames()).toEqual(['a.example.com', 'b.example.com']);
    asked[0]?.answer(['192.0.2.1']);
    await vi.advanceTimersByTimeAsync(0);
    const found = ['192.0.2.1'];
    expect(told).toEqual({
      'a.example.com': found,
      'team a.example.com': found,
      'other a.example.com': found,
    });
    find('a.example.com');
    expect(asked).toHaveLength(3);
  });

  test('that failed is not begun again for 5 s', async () => {
    const { asked, find, told } = makeNames();
    find('gone.example.com');
    asked[0]?.answer([]);
    await vi.advanceTimersByTimeAsync(4_900);
    find('gone.example.com', 'team');
    await vi.advanceTimersByTimeAsync(0);
    expect(told['team gone.example.com']).toBe('gone.example.com does not resolve');
    expect(asked).toHaveLength(1);
    await vi.advanceTimersByTimeAsync(200);
    find('gone.example.com');
    expect(asked).toHaveLength(2);
  });

  test('without an answer is ended after 5 s, and so remembered', async () => {
    const { asked, find, told } = makeNames();
    find('silent.example.com');
    await vi.advanceTimersByTimeAsync(5_000);
    expect(asked[0]?.signal.aborted).toBe(true);
    expect(told['silent.example.com']).toBe('silent.example.com does not resolve');
    find('silent.example.com');
    expect(asked).toHaveLength(1);
  });
});

describe('of the slow look-ups of one namespace', () => {
  test('two go on after 200 ms, the others are given up and ended', async () => {
    const { asked, find, told } = makeNames();
    for (const name of ['a', 'b', 'c', 'd']) find(name, 'team');
    find('e', 'other');
    find('f');
    await vi.advanceTimersByTimeAsync(199);
    expect(told).toEqual({});
    await vi.advanceTimersByTimeAsync(1);
    expect(Object.keys(told)).toEqual(['team c', 'team d']);
    expect(told['team c']).toMatch(/^c is too slow/);
    const ended = asked.filter(({ signal }) => signal.aborted).map(({ hostname }) => hostname);
    expect(ended).toEqual(['c', 'd']);
    // One that is over makes room for another.
    asked[0]?.answer(['192.0.2.1']);
    await vi.advanceTimersByTimeAsync(0);
    find('g', 'team');
    await vi.advanceTimersByTimeAsync(300);
    expect(told['team g']).toBeUndefined();
  });

  test('one that others wait for goes on, and what was given up is no failure of the name', async () => {
    const { asked, find, told, hostnames } = makeNames();
    for (const name of ['a', 'b', 'shared', 'own']) find(name, 'team');
    find('shared', 'other');
    await vi.advanceTimersByTimeAsync(200);
    expect(Object.keys(told)).toEqual(['team shared', 'team own']);
    asked[2]?.answer(['192.0.2.2']);
    await vi.advanceTimersByTimeAsync(0);
    expect(told['other shared']).toEqual(['192.0.2.2']);
    find('own', 'other');
    expect(hostnames()).toEqual(['a', 'b', 'shared', 'own', 'own']);
  });

  test('the same name asked for again and again is one', async () => {
    const { find, told } = makeNames();
    for (let asked = 0; asked < 5; asked += 1) find('a', 'team');
    find('b', 'team');
    await vi.advanceTimersByTimeAsync(300);
    expect(told).toEqual({});
  });
});
