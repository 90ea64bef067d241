import { describe, expect, test } from 'vitest';
import { createProxyChooser } from '#oci/proxies.ts';

const httpsProxy = 'http://proxy.example.com:3128';

function isDirect(noProxy: string, url: string): boolean {
  return (
    createProxyChooser({ httpsProxy, httpProxy: httpsProxy, noProxy })(new URL(url)) === undefined
  );
}

describe('NO_PROXY', () => {
  const cases: readonly (readonly [noProxy: string, url: string, direct: boolean])[] = [
    ['', 'https://registry.example.com/', false],
    ['*', 'https://registry.example.com/', true],
    ['example.com', 'https://registry.example.com/', true],
    ['example.com', 'https://example.com/', true],
    ['example.com', 'https://notexample.com/', false],
    ['.example.com', 'https://registry.example.com/', true],
    ['.example.com', 'https://example.com/', false],
    ['*.example.com', 'https://registry.example.com/', true],
    ['*.example.com', 'https://example.com/', false],
    ['EXAMPLE.com', 'https://Registry.Example.COM/', true],
    ['registry.example.com:5000', 'https://registry.example.com:5000/', true],
    ['registry.example.com:5000', 'https://registry.example.com/', false],
    ['registry.example.com:443', 'https://registry.example.com/', true],
    ['registry.example.com:80', 'http://registry.example.com/', true],
    ['10.0.0.0/8', 'https://10.1.2.3:5000/', true],
    ['10.0.0.0/8', 'https://11.1.2.3/', false],
    ['10.0.0.0/8', 'https://10.example.com/', false],
    ['10.1.2.3', 'https://10.1.2.3/', true],
    ['10.1.2.3:5000', 'https://10.1.2.3/', false],
    ['10.1.2.3:5000', 'https://10.1.2.3:5000/', true],
    ['fd00::/8', 'https://[fd00::7]:5000/', true],
    ['[fd00::7]:5000', 'https://[fd00::7]:5000/', true],
    ['fd00::7', 'https://[fd00:0::7]/', true],
    ['10.0.0.0/99, , :80, nonsense/8', 'https://10.1.2.3/', false],
    [' a.example.com , b.example.com ', 'https://b.example.com/', true],
    ['', 'https://localhost:5000/', true],
    ['', 'http://127.0.0.1:5000/', true],
    ['', 'https://127.8.8.8/', true],
    ['', 'https://[::1]:5000/', true],
    ['', 'https://localhost.example.com/', false],
  ];
  test.each(cases)('%j: %s directly is %s', (noProxy, url, direct) => {
    expect(isDirect(noProxy, url)).toBe(direct);
  });
});

describe('a proxy', () => {
  test('is chosen by the scheme of the URL', () => {
    const choose = createProxyChooser({ httpsProxy: 'http://a:1', httpProxy: 'b:2' });
    expect(choose(new URL('https://registry.example.com'))?.href).toBe('http://a:1/');
    expect(choose(new URL('http://registry.example.com'))?.href).toBe('http://b:2/');
  });

  test('that cannot be read is none', () => {
    for (const text of ['', '::']) {
      const choose = createProxyChooser({ httpsProxy: text });
      expect(choose(new URL('https://registry.example.com'))).toBeUndefined();
    }
  });
});
