import { describe, expect, test } from 'vitest';
import { furthest, mayLead, writtenZone, type Zone, zoneOf } from '#oci/addresses.ts';

describe('an address', () => {
  const zones: readonly (readonly [Zone, readonly string[]])[] = [
    [
      'metadata',
      [
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
        'fd00:ec2::254',
        '168.63.129.16',
        '::ffff:168.63.129.16',
        '64:ff9b::a83f:8110',
        '100.100.100.200',
      ],
    ],
    [
      'loopback',
      [
        '127.0.0.1',
        '127.9.9.9',
        '::1',
        '[::1]',
        '0.0.0.0',
        '::',
        '::ffff:127.0.0.1',
        '::127.0.0.1',
      ],
    ],
    [
      'private',
      [
        '10.0.0.1',
        '172.16.0.1',
        '172.31.255.255',
        '192.168.1.1',
        '100.64.0.1',
        '::ffff:10.0.0.1',
        '64:ff9b::10.0.0.1',
        'fd12:3456::1',
        'fec0::1',
      ],
    ],
    [
      'public',
      [
        '169.253.255.255',
        '169.255.0.1',
        '172.32.0.1',
        '192.0.2.1',
        '2001:db8::1',
        '64:ff9b::1.2.3.4',
      ],
    ],
  ];
  test.each(zones)('is %s where it says so: %j', (zone, addresses) => {
    expect(addresses.map(zoneOf)).toEqual(addresses.map(() => zone));
  });

  test('leads to its own zone and to those farther away, and nobody to metadata', () => {
    const all: readonly Zone[] = ['public', 'private', 'loopback', 'metadata'];
    const led = (from: Zone) => all.filter((to) => mayLead(from, to));
    expect(led('public')).toEqual(['public']);
    expect(led('private')).toEqual(['public', 'private']);
    expect(led('loopback')).toEqual(['public', 'private', 'loopback']);
  });

  test('that is the furthest of a chain counts for the whole chain', () => {
    expect(furthest(undefined, 'loopback')).toBe('loopback');
    expect(furthest('loopback', 'public')).toBe('public');
    expect(furthest('public', 'private')).toBe('public');
  });
});

describe('a host says by its spelling where it is', () => {
  test.each(['localhost', 'a.localhost', 'localhost.', '127.0.0.1', '[::1]', '0.0.0.0'])(
    'on loopback: %s',
    (host) => {
      expect(writtenZone(host)).toBe('loopback');
    },
  );

  test.each(['localhost.example.com', '127.0.0.1.example.com', 'docker.io', 'fe80.example.com'])(
    'nowhere: %s',
    (host) => {
      expect(writtenZone(host)).toBeUndefined();
    },
  );
});
