import { describe, expect, test } from 'vitest';
import { applyPatch, escapePointerToken, type JsonPatchOperation } from '#core/json-patch.ts';

const apply = (object: unknown, ...patch: JsonPatchOperation[]) => applyPatch(object, patch);

describe('a JSON patch', () => {
  test.each<[string, unknown, JsonPatchOperation, unknown]>([
    ['adds a member', { a: 1 }, { op: 'add', path: '/b', value: 2 }, { a: 1, b: 2 }],
    ['adds over a member', { a: 1 }, { op: 'add', path: '/a', value: 2 }, { a: 2 }],
    ['adds in the middle of a list', [1, 3], { op: 'add', path: '/1', value: 2 }, [1, 2, 3]],
    ['adds at the end of a list', [1], { op: 'add', path: '/1', value: 2 }, [1, 2]],
    ['adds behind a list', [1], { op: 'add', path: '/-', value: 2 }, [1, 2]],
    ['adds the whole', { a: 1 }, { op: 'add', path: '', value: 2 }, 2],
    ['replaces a member', { a: 1 }, { op: 'replace', path: '/a', value: 2 }, { a: 2 }],
    ['replaces an item', [1, 2], { op: 'replace', path: '/1', value: 3 }, [1, 3]],
    ['replaces below an item', [{ a: 1 }], { op: 'replace', path: '/0/a', value: 2 }, [{ a: 2 }]],
    ['replaces a null', { a: null }, { op: 'replace', path: '/a', value: 2 }, { a: 2 }],
    ['removes a member', { a: 1, b: 2 }, { op: 'remove', path: '/a' }, { b: 2 }],
    ['removes an item', [1, 2], { op: 'remove', path: '/0' }, [2]],
    ['tests what is equal', { a: [1, { b: 2 }] }, test_('/a', [1, { b: 2 }]), { a: [1, { b: 2 }] }],
    ['finds an empty name', { '': 1 }, { op: 'replace', path: '/', value: 2 }, { '': 2 }],
    [
      'reads escapes in the right order',
      { 'a/b': 1, 'a~1b': 2 },
      { op: 'remove', path: '/a~01b' },
      { 'a/b': 1 },
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
    ['removes what is not there', {}, { op: 'remove', path: '/a' }],
    ['removes the whole', {}, { op: 'remove', path: '' }],
    ['replaces what only every object has', {}, { op: 'replace', path: '/toString', value: 1 }],
    ['goes below text', { a: 'b' }, { op: 'add', path: '/a/length', value: 1 }],
    ['goes below null', { a: null }, { op: 'add', path: '/a/b', value: 1 }],
    ['replaces behind a list', [1], { op: 'replace', path: '/-', value: 1 }],
    ['replaces an item that is not there', [1], { op: 'replace', path: '/1', value: 1 }],
    ['adds beyond the end of a list', [1], { op: 'add', path: '/2', value: 1 }],
    ['has an index with a leading zero', [1, 2], { op: 'replace', path: '/01', value: 1 }],
    ['has a negative index', [1], { op: 'replace', path: '/-1', value: 1 }],
    ['has a name for an index', [1], { op: 'add', path: '/length', value: 1 }],
    ['has no slash in front', { a: 1 }, { op: 'remove', path: 'a' }],
    ['has an escape that is none', { 'a~b': 1 }, { op: 'remove', path: '/a~b' }],
    ['tests what is not equal', { a: { b: 1 } }, test_('/a', { b: 1, c: 2 })],
    ['takes a list for an object', { a: [] }, test_('/a', {})],
  ])('is refused, with the path, when it %s', (_, object, operation) => {
    expect(apply(object, operation)).toMatchObject({ ok: false, error: { path: operation.path } });
  });

  test('is applied in its order, and as a whole or not at all', () => {
    const object = { list: [1] };
    const first = { op: 'add', path: '/list/-', value: 2 } as const;
    expect(apply(object, first, test_('/list/1', 2))).toEqual({
      ok: true,
      value: { list: [1, 2] },
    });
    expect(apply(object, first, test_('/list/1', 3))).toMatchObject({ ok: false });
    expect(object).toEqual({ list: [1] });
  });

  test('finds a name again whatever is in it', () => {
    for (const name of ['kuik.enix.io/reason', 'a~b/c', '~1', '~0', '']) {
      const path = `/${escapePointerToken(name)}`;
      expect(apply({}, { op: 'add', path, value: 1 })).toEqual({ ok: true, value: { [name]: 1 } });
    }
  });
});

function test_(path: string, value: unknown): JsonPatchOperation {
  return { op: 'test', path, value };
}
