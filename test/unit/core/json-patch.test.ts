import { describe, expect, test } from 'vitest';
import { applyPatch, escapePointerToken, type JsonPatchOperation } from '#core/json-patch.ts';

const apply = (object: unknown, ...patch: JsonPatchOperation[]) => applyPatch(object, patch);

describe('a JSON patch', () => {
  test.each<[string, unknown, JsonPatchOperation, unknown]>([
    ['adds a member', { a: 1 }, { op: 'add', path: '/b', value: 2 }, { a: 1, b: 2 }],
    ['adds over a member', { a: 1 }, { op: 'add', path: '/a', value: 2 }, { a: 2 }],
    ['adds the whole', { a: 1 }, { op: 'add', path: '', value: 2 }, 2],
    ['replaces a member', { a: 1 }, { op: 'replace', path: '/a', value: 2 }, { a: 2 }],
    ['replaces an item', [1, 2], { op: 'replace', path: '/1', value: 3 }, [1, 3]],
    ['replaces below an item', [{ a: 1 }], { op: 'replace', path: '/0/a', value: 2 }, [{ a: 2 }]],
    ['replaces a null', { a: null }, { op: 'replace', path: '/a', value: 2 }, { a: 2 }],
    ['finds an empty name', { '': 1 }, { op: 'replace', path: '/', value: 2 }, { '': 2 }],
    [
      'reads escapes in the right order',
      { 'a/b': 1, 'a~1b': 2 },
      { op: 'replace', path: '/a~01b', value: 3 },
      { 'a/b': 1, 'a~1b': 3 },
    ],
    [
      'has no magic names',
      JSON.parse('{"__proto__": {"a": 1}}'),
      { op: 'replace', path: '/__proto__/a', value: 2 },
      JSON.parse('{"__proto__": {"a": 2}}'),
    ],
  ])('%s', (_, object, operation, expected) => {
    const before = structuredClone(object);
    expect(apply(object, operation)).toEqual({ ok: true, value: expected });
    expect(object).toEqual(before);
  });

  test.each<[string, unknown, JsonPatchOperation]>([
    ['adds below what is not there', {}, { op: 'add', path: '/a/b', value: 1 }],
    ['replaces what is not there', {}, { op: 'replace', path: '/a', value: 1 }],
    ['replaces what only every object has', {}, { op: 'replace', path: '/toString', value: 1 }],
    ['goes below text', { a: 'b' }, { op: 'add', path: '/a/length', value: 1 }],
    ['goes below null', { a: null }, { op: 'add', path: '/a/b', value: 1 }],
    ['replaces behind a list', [1], { op: 'replace', path: '/-', value: 1 }],
    ['replaces an item that is not there', [1], { op: 'replace', path: '/1', value: 1 }],
    ['adds in the middle of a list', [1, 3], { op: 'add', path: '/1', value: 2 }],
    ['adds behind a list', [1], { op: 'add', path: '/-', value: 2 }],
    ['adds beyond the end of a list', [1], { op: 'add', path: '/2', value: 1 }],
    ['has an index with a leading zero', [1, 2], { op: 'replace', path: '/01', value: 1 }],
    ['has a negative index', [1], { op: 'replace', path: '/-1', value: 1 }],
    ['has a name for an index', [1], { op: 'add', path: '/length', value: 1 }],
    ['has no slash in front', { a: 1 }, { op: 'replace', path: 'a', value: 1 }],
    ['has an escape that is none', { 'a~b': 1 }, { op: 'replace', path: '/a~b', value: 1 }],
  ])('is refused, with the path, when it %s', (_, object, operation) => {
    expect(apply(object, operation)).toMatchObject({ ok: false, error: { path: operation.path } });
  });

  test('is applied in its order, and as a whole or not at all', () => {
    const object = { list: [{}] };
    const first = { op: 'add', path: '/list/0/a', value: 2 } as const;
    const second = { op: 'replace', path: '/list/0/a', value: 3 } as const;
    expect(apply(object, first, second)).toEqual({ ok: true, value: { list: [{ a: 3 }] } });
    expect(apply(object, second, first)).toMatchObject({ ok: false });
    expect(object).toEqual({ list: [{}] });
  });

  test('finds a name again whatever is in it', () => {
    for (const name of ['kuik.enix.io/reason', 'a~b/c', '~1', '~0', '']) {
      const path = `/${escapePointerToken(name)}`;
      expect(apply({}, { op: 'add', path, value: 1 })).toEqual({ ok: true, value: { [name]: 1 } });
    }
  });
});
