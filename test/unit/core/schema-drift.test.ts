import { expect, test } from 'vitest';
import { missingFields, type StructuralSchema } from '#core/schema-drift.ts';

const own: StructuralSchema = {
  type: 'object',
  properties: {
    spec: {
      type: 'object',
      properties: {
        filter: { type: 'object', properties: { include: { type: 'array' } } },
        mirrors: {
          type: 'array',
          items: {
            type: 'object',
            properties: { registry: { type: 'string' }, pullCredentialSecret: { type: 'object' } },
          },
        },
      },
    },
  },
};

test('a served CRD equal to ours lacks nothing', () => {
  expect(missingFields(own, own)).toEqual([]);
});

test('fields that an old CRD lacks are named by path, outermost only, inside lists too', () => {
  const served: StructuralSchema = {
    properties: {
      spec: { properties: { mirrors: { items: { properties: { registry: {} } } } } },
    },
  };
  expect(missingFields(own, served)).toEqual([
    'spec.filter',
    'spec.mirrors[].pullCredentialSecret',
  ]);
});

test('a field that only the served CRD has is not our concern', () => {
  const served: StructuralSchema = {
    ...own,
    properties: { ...own.properties, extra: { type: 'string' } },
  };
  expect(missingFields(own, served)).toEqual([]);
});

test('a CRD that serves no schema at all lacks the whole schema', () => {
  expect(missingFields(own, undefined)).toEqual(['(the whole schema)']);
});
