import { networkInterfaces } from 'node:os';
import { describe, expect, test } from 'vitest';
import { foreignSender } from '#http/same-origin.ts';

const loopback = { address: '127.0.0.1' };

describe('who may ask the debug endpoint', () => {
  test.each([
    '127.0.0.1',
    '127.0.0.1:8082',
    '127.0.0.1:1',
    '127.8.9.10:65535',
    'localhost',
    'localhost:3000',
    'LOCALHOST:3000',
    '[::1]',
    '[::1]:8082',
  ])('a loopback name, whatever port is forwarded: %s', (host) => {
    expect(foreignSender({ host, origin: undefined }, loopback)).toBeUndefined();
    expect(foreignSender({ host, origin: `http://${host}` }, loopback)).toBeUndefined();
    expect(foreignSender({ host, origin: `https://${host}` }, loopback)).toBeUndefined();
  });

  test.each([
    ['10.1.2.3', '10.1.2.3:8082'],
    ['fd00::7', '[fd00::7]:8082'],
    ['fd00::7', '[FD00:0:0::7]'],
    ['fd00:0:0::7', '[fd00::7]:8082'],
    ['Kuik.internal', 'kuik.internal:8082'],
  ])('the address listened on, %s, as %s', (listenedOn, host) => {
    expect(foreignSender({ host, origin: undefined }, { address: listenedOn })).toBeUndefined();
    expect(
      foreignSender({ host, origin: `http://${host}` }, { address: listenedOn }),
    ).toBeUndefined();
  });

  test.each<[string, string | undefined]>([
    ['another name', 'evil.example.com'],
    ['another name at our port', 'evil.example.com:8082'],
    ['a name that only begins like loopback', '127.0.0.1.evil.example.com'],
    ['a name that only ends like loopback', 'evil-localhost'],
    ['a name below localhost', 'evil.localhost'],
    ['another address', '10.0.0.1:8082'],
    ['the address of everything', '0.0.0.0:8082'],
    ['the IPv6 address of everything', '[::]:8082'],
    ['a mapped address of another', '[::ffff:10.0.0.1]'],
    ['nothing', undefined],
    ['an empty one', ''],
    ['a port alone', ':8082'],
    ['a user in front of loopback', 'evil@127.0.0.1'],
    ['a path behind loopback', '127.0.0.1/x'],
    ['no host at all', 'http://'],
    ['two', '127.0.0.1, evil.example.com'],
  ])('no Host that is %s: %s', (_, host) => {
    expect(foreignSender({ host, origin: undefined }, loopback)).toMatch(/^expected Host to be a /);
  });

  test.each([
    ['another site', 'https://evil.example.com'],
    ['another site on our port', 'http://evil.example.com:8082'],
    ['a page from a file or a sandbox', 'null'],
    ['an empty one', ''],
    ['an extension', 'chrome-extension://abcdef'],
    ['loopback with a user', 'http://evil@127.0.0.1'],
    ['loopback with a path', 'http://127.0.0.1/page'],
    ['no URL', 'evil'],
    ['two', 'http://127.0.0.1 https://evil.example.com'],
  ])('no Origin that is %s: %s', (_, origin) => {
    expect(foreignSender({ host: '127.0.0.1:8082', origin }, loopback)).toMatch(
      /^expected no Origin, or a loopback one, got /,
    );
  });

  test.each(['0.0.0.0', '::'])(
    'who listens on %s is still asked by a loopback name only',
    (listenedOn) => {
      const host = `${listenedOn.includes(':') ? `[${listenedOn}]` : listenedOn}:8082`;
      expect(foreignSender({ host, origin: undefined }, { address: listenedOn })).toBeDefined();
      expect(
        foreignSender({ host: 'localhost:8082', origin: undefined }, { address: listenedOn }),
      ).toBe(undefined);
    },
  );

  test.each(['0.0.0.0', '::', undefined])(
    'who listens on %s is asked by every address of the machine',
    (address) => {
      const addresses = Object.values(networkInterfaces()).flatMap((all = []) => all);
      expect(addresses.length).toBeGreaterThan(0);
      const own = address === undefined ? {} : { address };
      for (const { address: one, family } of addresses) {
        const host = `${family === 'IPv6' ? `[${one}]` : one}:8082`;
        expect(foreignSender({ host, origin: `http://${host}` }, own)).toBeUndefined();
      }
      expect(foreignSender({ host: '192.0.2.7:8082', origin: undefined }, own)).toBeDefined();
    },
  );

  test.each(['kuik.example.com', 'Kuik.Example.com:8443', '[FD00::7]:1'])(
    'names that were given are right at any port: %s',
    (host) => {
      const own = { ...loopback, hosts: ['kuik.example.com', 'fd00:0:0::7', '[fd00::7]'] };
      expect(foreignSender({ host, origin: undefined }, own)).toBeUndefined();
      expect(foreignSender({ host, origin: `https://${host}` }, own)).toBeUndefined();
      const other = { host: `evil.${host}`, origin: undefined };
      expect(foreignSender(other, own)).toBeDefined();
    },
  );

  test('a refusal shows no more than the beginning of what was sent', () => {
    const host = `evil.example.com/${'x'.repeat(5_000)}`;
    expect(foreignSender({ host, origin: undefined }, loopback)?.length).toBeLessThan(250);
  });
});
