import Type, { type TSchema } from 'typebox';
import { type CelRule, rules } from './cel.ts';
import { filterItemsMax, patternCharactersMax, selectorCharactersMax } from './limits.ts';

/** A pattern that matches the whole of `subject`; rules over the lists check that it compiles. */
export function patternSchema(subject: string) {
  return Type.String({
    maxLength: patternCharactersMax,
    description: `An RE2 pattern that matches the whole of ${subject}.`,
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

/** What an object of two lists says of itself. */
interface IncludeExcludeOptions {
  readonly description: string;
  /** What `include` says of itself, where one item that matches is not enough. */
  readonly included?: string;
  /** Rules over one of the lists, given its name. */
  readonly listRules?: (list: 'include' | 'exclude') => readonly CelRule[];
}

/** An object of two lists, `include` and `exclude`, each optional and bounded. */
export function includeExclude<Item extends TSchema>(item: Item, options: IncludeExcludeOptions) {
  const list = (name: 'include' | 'exclude', description: string) => {
    const listRules = options.listRules?.(name) ?? [];
    return Type.Optional(
      Type.Array(item, {
        maxItems: filterItemsMax,
        description,
        ...(listRules.length === 0 ? {} : rules(...listRules)),
      }),
    );
  };
  return Type.Object(
    {
      include: list('include', options.included ?? 'What is in: one item that matches is enough.'),
      exclude: list(
        'exclude',
        'What is out: one item that matches is enough, whatever `include` says.',
      ),
    },
    { description: options.description },
  );
}
