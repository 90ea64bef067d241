import Type, { type TSchema } from 'typebox';
import { rules } from './cel.ts';
import { filterItemsMax, patternCharactersMax, selectorCharactersMax } from './limits.ts';

/**
 * A pattern of `field` that matches the whole of `subject`. CEL compiles it: matching the empty
 * text against a pattern that cannot be compiled is an error. The conditional lets that error
 * through, where `|| true` would swallow it.
 */
export function patternSchema(field: string, subject: string) {
  return Type.String({
    maxLength: patternCharactersMax,
    description: `An RE2 pattern that matches the whole of ${subject}.`,
    ...rules({
      rule: "''.matches(self) ? true : true",
      message:
        `${field} must be an RE2 pattern that compiles by itself: close every bracket, escape a ` +
        'literal one with a backslash, use no look-around and no back-reference',
    }),
  });
}

/** A Kubernetes selector over the `subject` of Pods; what is wrong in it the operator says. */
export function selectorSchema(subject: 'labels' | 'annotations') {
  return Type.String({
    maxLength: selectorCharactersMax,
    description:
      `A selector over the ${subject} of the Pod: \`key\`, \`!key\`, \`key=v\`, \`key!=v\`, ` +
      '`key in (a,b)`, `key notin (a,b)`, `key>5`, `key<5`, and a comma for AND.',
  });
}

/** An object of two lists, `include` and `exclude`, each optional and bounded. */
export function includeExclude<Item extends TSchema>(item: Item, description: string) {
  const list = (text: string) =>
    Type.Optional(Type.Array(item, { maxItems: filterItemsMax, description: text }));
  return Type.Object(
    {
      include: list('What is in: one item that matches is enough.'),
      exclude: list('What is out: one item that matches is enough, whatever `include` says.'),
    },
    { description },
  );
}
