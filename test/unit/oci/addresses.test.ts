import type { LookupAddress } from 'node:dns';
import { describe, expect, test } from 'vitest';
import {
  createGuardedLookup,
  isLinkLocal,
  isLoopback,
  type ResolveAddresses,
} from '#oci/addresses.ts';

describe('a link-local address', () => {
  test.each([
    '169.254.169.254',
    '169.254.0.0',
    'fe80::1',
    '[fe80::1]',
    'febf::1',
    'fe80::1%eth0',
    '::ffff:169.254.169.254',
    '::ffff:a9fe:a9fe',
    '[::ffff:a9fe:a9fe]',
    '::169.254.169.254',
    '64:ff9b::169.254.169.254',
  ])('is %s', (address) => {
    expect(isLinkLocal(address)).toBe(true);
  });

  test.each(['169.253.255.255', '169.255.0.1', 'fec0::1', '::ffff:10.0.0.1', 'fe80.example.com'])(
    'is not %s',
    (address) => {
      expect(isLinkLocal(address)).toBe(false);
    },
  );
});

describe('loopback', () => {
  test.each(['localhost', 'localhost:5000', '127.0.0.1', '127.9.9.9:1', '[::1]', '[::1]:5000'])(
    'is %s',
    (host) => {
      expect(isLoopback(host)).toBe(true);
    },
  );

  test.each(['localhost.example.com', '127.0.0.1.example.com', '128.0.0.1', '[::2]', 'docker.io'])(
    'is not %s',
    (host) => {
      expect(isLoopback(host)).toBe(false);
    },
  );
});

interface Found {
  readonly error: NodeJS.ErrnoException | null;
  readonly addresses: string | LookupAddress[];
}

async function look(resolve: ResolveAddresses, options: object = { all: true }): Promise<Found> {
  const lookup = createGuardedLookup(resolve);
  return await new Promise((done) =>
    lookup('name.example.com', options, (error, addresses) => done({ error, addresses })),
  );
}

describe('the lookup of a connection', () => {
  const good = { address: '192.0.2.1', family: 4 };
  const other = { address: '2001:db8::1', family: 6 };
  const bad = { address: '169.254.169.254', family: 4 };

  test('leaves link-local addresses out, and fails where nothing else is left', async () => {
    expect((await look((_name, done) => done(null, [bad, good]))).addresses).toEqual([good]);
    const { error } = await look((_name, done) => done(null, [bad]));
    expect(error?.code).toBe('KUIK_FORBIDDEN');
    expect(error?.message).toContain('169.254.169.254');
  });

  test('gives one address, or one of a family, where that is asked for', async () => {
    const both: ResolveAddresses = (_name, done) => done(null, [good, other]);
    expect((await look(both, {})).addresses).toBe(good.address);
    expect((await look(both, { family: 6 })).addresses).toBe(other.address);
    expect((await look((_name, done) => done(null, []), {})).error?.code).toBe('ENOTFOUND');
  });

  test('passes an error on', async () => {
    const error = Object.assign(new Error('no'), { code: 'EAI_AGAIN' });
    expect((await look((_name, done) => done(error, []))).error).toBe(error);
  });

  test('asks once for all that wait for one name, and anew afterwards', async () => {
    const waiting: (() => void)[] = [];
    let asked = 0;
    const lookup = createGuardedLookup((_name, done) => {
      asked += 1;
      waiting.push(() => done(null, [good]));
    });
    const found: unknown[] = [];
    const ask = () =>
      lookup('name.example.com', { all: true }, (_error, addresses) => found.push(addresses));
    ask();
    ask();
    waiting.shift()?.();
    expect(found).toEqual([[good], [good]]);
    ask();
    expect(asked).toBe(2);
  });
});
