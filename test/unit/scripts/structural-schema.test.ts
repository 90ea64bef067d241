import { expect, test } from 'vitest';
import { structuralSchema } from '#api/crds/structural-schema.ts';

const text = { type: 'string', description: 'A text.' };

test('keywords, items and properties come out as they went in', () => {
  const schema = {
    type: 'object',
    description: 'A thing.',
    required: ['names'],
    properties: {
      names: { type: 'array', description: 'Names.', maxItems: 3, items: text },
      size: { type: 'integer', description: 'Its size.', minimum: 0, default: 1 },
    },
  };
  expect(structuralSchema(schema, 'spec')).toEqual(schema);
});

test.each([
  ['anyOf', { ...text, anyOf: [text] }],
  ['additionalProperties', { type: 'object', description: 'A.', additionalProperties: false }],
  ['exclusiveMinimum', { type: 'integer', description: 'A.', exclusiveMinimum: 0 }],
  ['const', { ...text, const: 'a' }],
])('a schema with %s is refused', (keyword, schema) => {
  expect(() => structuralSchema(schema, 'spec.a')).toThrow(
    new RegExp(`^spec\\.a: expected a keyword of .*, got ${keyword}$`),
  );
});

test('a field without a description is refused, named by its path', () => {
  const items = { type: 'object', description: 'A.', properties: { b: { type: 'string' } } };
  const schema = { type: 'object', description: 'S.', properties: { a: arrayOf(items) } };
  expect(() => structuralSchema(schema, 'spec')).toThrow(
    'spec.a[].b: expected a description, got none',
  );
});

test.each([undefined, 'null', 'number'])('the type %s is refused', (type) => {
  expect(() => structuralSchema({ ...text, type }, 'spec')).toThrow(
    `spec: expected a type of object, array, string, integer, boolean, got ${type}`,
  );
});

test.each([undefined, null, 'text', []])('%j is no schema', (schema) => {
  expect(() => structuralSchema(schema, 'spec')).toThrow(/^spec: expected a schema object, got/);
});

function arrayOf(items: object): object {
  return { type: 'array', description: 'A list.', items };
}
