import Type, { type Static } from 'typebox';
import { filterItemsMax, patternCharactersMax, selectorCharactersMax } from './limits.ts';
import type { ReadOnly } from './read-only.ts';

const patternSchema = Type.String({ maxLength: patternCharactersMax });
const selectorSchema = Type.String({ maxLength: selectorCharactersMax });
const lists = <Item extends Type.TSchema>(item: Item) =>
  Type.Object({
    include: Type.Optional(Type.Array(item, { maxItems: filterItemsMax })),
    exclude: Type.Optional(Type.Array(item, { maxItems: filterItemsMax })),
  });

export const imageFilterSchema = lists(patternSchema);
export const namespaceFilterSchema = lists(patternSchema);
export const podFilterSchema = Type.Object({
  labels: Type.Optional(lists(selectorSchema)),
  annotations: Type.Optional(lists(selectorSchema)),
});
const filterItemSchema = Type.Object({
  image: Type.Optional(patternSchema),
  label: Type.Optional(selectorSchema),
  annotation: Type.Optional(selectorSchema),
  namespace: Type.Optional(patternSchema),
});
export const filterSchema = lists(filterItemSchema);

/** Two lists of RE2 patterns, each matched in full: against images. */
export type ImageFilter = ReadOnly<Static<typeof imageFilterSchema>>;
/** Two lists of RE2 patterns, each matched in full: against the namespace. */
export type NamespaceFilter = ReadOnly<Static<typeof namespaceFilterSchema>>;
/** Selector strings against the labels and the annotations of Pods. */
export type PodFilter = ReadOnly<Static<typeof podFilterSchema>>;
/** One item of the unified filter: exactly one of its four fields is set. */
export type FilterItem = ReadOnly<Static<typeof filterItemSchema>>;
/** The unified filter: OR inside a dimension, AND across dimensions, exclude wins. */
export type Filter = ReadOnly<Static<typeof filterSchema>>;
