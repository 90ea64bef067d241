import { describe, expect, test } from 'vitest';
import { namesToAsk, parseHosts, parseResolverSettings } from '#oci/resolver-files.ts';

describe('resolv.conf', () => {
  const unset = {
    servers: ['127.0.0.1'],
    search: [],
    ndots: 1,
    timeoutMs: 5_000,
    attempts: 2,
    rotate: false,
  };

  test('that says nothing, or nothing that can be read, is as glibc and Go have it', () => {
    expect(parseResolverSettings('')).toEqual(unset);
    const nonsense = 'nameserver\nnameserver dns.example.com\noptions ndots:x timeout attempts:-1';
    expect(parseResolverSettings(nonsense)).toEqual(unset);
  });

  test('of a Pod is read as a whole', () => {
    const text = [
      '# made by the kubelet',
      'search team.svc.cluster.local svc.cluster.local cluster.local. ; and more',
      'nameserver 10.96.0.10',
      'nameserver fd00::a',
      'options ndots:5 timeout:1 attempts:3 rotate edns0',
    ].join('\n');
    expect(parseResolverSettings(text)).toEqual({
      servers: ['10.96.0.10', 'fd00::a'],
      search: ['team.svc.cluster.local', 'svc.cluster.local', 'cluster.local'],
      ndots: 5,
      timeoutMs: 1_000,
      attempts: 3,
      rotate: true,
    });
  });

  test('is bounded, and the last of search and domain counts', () => {
    const servers = Array.from({ length: 9 }, (_, index) => `nameserver 10.0.0.${index}`);
    const options = 'options ndots:99 timeout:99 attempts:99';
    const text = [...servers, 'search a b', 'domain c', options].join('\n');
    expect(parseResolverSettings(text)).toEqual({
      servers: ['10.0.0.0', '10.0.0.1', '10.0.0.2'],
      search: ['c'],
      ndots: 15,
      timeoutMs: 30_000,
      attempts: 5,
      rotate: false,
    });
  });
});

test('a hosts file gives every name all its addresses, in whatever case', () => {
  const lines = [
    '127.0.0.1 localhost',
    '::1 localhost ip6-localhost',
    '10.0.0.1 Registry.Example.com. r # 10.0.0.2 no',
    'x y',
  ];
  expect(Object.fromEntries(parseHosts(lines.join('\n')))).toEqual({
    localhost: ['127.0.0.1', '::1'],
    'ip6-localhost': ['::1'],
    'registry.example.com': ['10.0.0.1'],
    r: ['10.0.0.1'],
  });
});

test.each([
  ['registry', ['registry.a', 'registry.b', 'registry']],
  ['quay.io', ['quay.io.a', 'quay.io.b', 'quay.io']],
  ['r.team.example.com', ['r.team.example.com', 'r.team.example.com.a', 'r.team.example.com.b']],
  ['quay.io.', ['quay.io']],
])('%s is asked for as %j where ndots is 3', (hostname, names) => {
  expect(namesToAsk(hostname, { search: ['a', 'b'], ndots: 3 })).toEqual(names);
});
