import { expect, test } from 'vitest';
import { customResourceDefinitions } from '#api/crds/definitions.ts';
import type { StructuralSchema } from '#api/crds/structural-schema.ts';
import { kinds } from '#api/kinds.ts';

const definitions = customResourceDefinitions();

interface Place {
  readonly path: string;
  readonly schema: StructuralSchema;
}

function places(schema: StructuralSchema, path: string): readonly Place[] {
  const items = schema.items === undefined ? [] : places(schema.items, `${path}[]`);
  const properties = Object.entries(schema.properties ?? {});
  const below = properties.flatMap(([name, child]) => places(child, `${path}.${name}`));
  return [{ path, schema }, ...items, ...below];
}

const all = definitions.flatMap(({ spec }) =>
  places(spec.versions[0].schema.openAPIV3Schema, spec.names.kind),
);

test('there is one definition a kind, with its names and scope', () => {
  const seen = definitions.map(({ spec }) => ({
    kind: spec.names.kind,
    plural: spec.names.plural,
    shortName: spec.names.shortNames.join(','),
    scope: spec.scope,
  }));
  expect(seen).toEqual(kinds);
});

test('every field has a description, but for metadata, where the API server refuses one', () => {
  const bare = all.filter(({ schema }) => (schema.description ?? '') === '');
  expect(bare.map(({ path }) => path.split('.').slice(1).join('.'))).toEqual(
    kinds.map(() => 'metadata'),
  );
});

test('every list and every text in a spec has a limit', () => {
  const unlimited = all
    .filter(({ path }) => path.includes('.spec.'))
    .filter(({ schema }) => {
      if (schema.type === 'array') return schema.maxItems === undefined;
      return schema.type === 'string' && schema.maxLength === undefined;
    });
  expect(unlimited).toEqual([]);
});

test('every list in a status is atomic, so that what kuik v2 wrote is taken over whole', () => {
  const lists = all.filter(
    ({ path, schema }) => path.includes('.status') && schema.type === 'array',
  );
  expect(lists.length).toBeGreaterThan(5);
  expect(lists.filter(({ schema }) => schema['x-kubernetes-list-type'] !== 'atomic')).toEqual([]);
});

test('no text of a status has a limit, since kuik v2 had none and its objects must stay writable', () => {
  const limited = all.filter(
    ({ path, schema }) =>
      path.includes('.status.') && (schema.maxLength ?? schema.maxItems) !== undefined,
  );
  expect(limited).toEqual([]);
});
