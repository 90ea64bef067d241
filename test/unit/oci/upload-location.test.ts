import { describe, expect, test } from 'vitest';
import { resolveLocation, withQuery } from '#oci/upload-location.ts';

function resolve(location: string | undefined, base = 'https://r.example.com/v2/a/blobs/uploads/') {
  const headers = location === undefined ? {} : { location };
  return resolveLocation({ headers, lead: { url: new URL(base), from: 'public' } });
}

describe('a Location (rule 5)', () => {
  test.each([
    ['/v2/a/blobs/uploads/1?state=x%2Fy', '/v2/a/blobs/uploads/1?state=x%2Fy'],
    ['1?state=x', '/v2/a/blobs/uploads/1?state=x'],
    ['https://r.example.com/u/1', '/u/1'],
    ['http://r.example.com/u/1', '/u/1'],
    ['//r.example.com/u/1', '/u/1'],
    ['https://r.example.com:443/u/1', '/u/1'],
  ])('%s is on the registry itself', (location, path) => {
    expect(resolve(location)).toEqual({ ok: true, value: { kind: 'own', path } });
  });

  test.each(['https://storage.example.com/u/1?sig=a%3D', 'http://other.example.com/u'])(
    '%s is elsewhere, where no credential goes',
    (location) => {
      expect(resolve(location)).toMatchObject({
        value: { kind: 'elsewhere', lead: { url: new URL(location), from: 'public' } },
      });
    },
  );

  test('with another port over http is not the registry', () => {
    expect(resolve('http://r.example.com:5000/u')).toMatchObject({ value: { kind: 'elsewhere' } });
  });

  test.each([undefined, 'https://'])('%s is none', (location) => {
    expect(resolve(location)).toMatchObject({ ok: false });
  });
});

describe('one more parameter', () => {
  const digest = 'sha256:00';

  test.each([
    ['/u/1', '/u/1?digest=sha256%3A00'],
    ['/u/1?_state=a%2B%20b', '/u/1?_state=a%2B%20b&digest=sha256%3A00'],
  ])('is added to %s, and the others stay as they are', (path, expected) => {
    expect(withQuery({ kind: 'own', path }, 'digest', digest)).toEqual({
      ...{ kind: 'own', path: expected },
    });
  });

  test('is added to the URL of another host too', () => {
    const lead = { url: new URL('https://s.example.com/u?sig=a%3D'), from: 'public' } as const;
    const target = withQuery({ kind: 'elsewhere', lead }, 'digest', digest);
    expect(target.kind === 'elsewhere' && target.lead.url.href).toBe(
      'https://s.example.com/u?sig=a%3D&digest=sha256%3A00',
    );
  });
});
