import Type, { type Static } from 'typebox';
import { type CelRule, compilesPattern, patternRule, rules } from './cel.ts';
import { includeExclude, patternSchema, selectorSchema } from './include-exclude.ts';
import { patternCharactersMax } from './limits.ts';
import type { ReadOnly } from './read-only.ts';

/** Whether objects of a kind live in a namespace or beside all of them. */
export type Scope = 'Namespaced' | 'Cluster';

/** `spec.imageFilter` of the mirror kinds and of a ClusterImageSetAvailability. */
export const imageFilterSchema = includeExclude(
  patternSchema('the normalised image, registry and tag included'),
  {
    description:
      'Which images. Omitted or empty it matches none, unless `filter` is used; with `exclude` ' +
      'alone it matches everything but what is excluded.',
    listRules: (list) => [patternListRule(`imageFilter.${list}`)],
  },
);

/** `spec.upstreams[].imageFilter` of the set kinds; `upstreamPatternRules` checks its patterns. */
export const upstreamImageFilterSchema = includeExclude(
  patternSchema(
    'what follows the registry in the normalised image (it starts with a slash), or of the ' +
      'normalised image with its registry',
  ),
  {
    description:
      'Which images of this upstream the set stands for. Omitted or empty it matches none: the ' +
      'upstream is then an alternative only.',
  },
);

/** Rules over `spec.upstreams`, for the patterns inside: see `patternRule` for why they stand there. */
export const upstreamPatternRules: readonly CelRule[] = ['include', 'exclude'].map((list) => {
  const path = `upstream.imageFilter.${list}`;
  const compiles = `${path}.all(pattern, ${compilesPattern('pattern')})`;
  return patternRule(
    `self.all(upstream, !has(upstream.imageFilter) || !has(${path}) || ${compiles})`,
    `upstreams[].imageFilter.${list}`,
  );
});

/** `spec.namespaceFilter`; on namespaced kinds it stands there only to be refused by a rule. */
export function namespaceFilterSchema(scope: Scope) {
  return includeExclude(patternSchema('the name of the namespace of the Pod'), {
    description:
      scope === 'Cluster'
        ? 'Which namespaces. Omitted or empty it matches all of them.'
        : 'Refused here: this resource applies to its own namespace, and only cluster-scoped ' +
          'kinds choose namespaces.',
    listRules: (list) => [patternListRule(`namespaceFilter.${list}`)],
  });
}

function patternListRule(field: string): CelRule {
  return patternRule(`self.all(pattern, ${compilesPattern('pattern')})`, field);
}

/** `spec.podFilter` of all five kinds. */
export const podFilterSchema = Type.Object(
  {
    labels: Type.Optional(
      includeExclude(selectorSchema('labels'), {
        description: 'Selectors over the labels of the Pod.',
      }),
    ),
    annotations: Type.Optional(
      includeExclude(selectorSchema('annotations'), {
        description: 'Selectors over the annotations of the Pod.',
      }),
    ),
  },
  { description: 'Which Pods. Omitted or empty it matches all of them.' },
);

/** What the filters of a kind can choose. */
export interface FilterChoice {
  readonly scope: Scope;
  /** False on the set kinds, whose images are chosen per upstream. */
  readonly images: boolean;
}

/** `spec.filter`, the unified spelling (behaviour §2). */
export function filterSchema(choice: FilterChoice) {
  return includeExclude(filterItemSchema(choice), {
    description:
      'Which Pods and images, in one list of items. Items of one dimension are alternatives, all ' +
      'dimensions must match, and one without an included item matches everything. Excludes the ' +
      'older spelling in `podFilter` and its like.',
    included: 'What is in: one item that matches is enough in each dimension named here.',
    listRules: (list) => [
      // A field called `namespace` is written `__namespace__` in CEL, where the word is reserved.
      ...(choice.images ? [itemPatternRule(`filter.${list}[].image`, 'item.image')] : []),
      ...(choice.scope === 'Cluster'
        ? [itemPatternRule(`filter.${list}[].namespace`, 'item.__namespace__')]
        : []),
    ],
  });
}

function itemPatternRule(field: string, pattern: string): CelRule {
  return patternRule(`self.all(item, !has(${pattern}) || ${compilesPattern(pattern)})`, field);
}

const imageRefusal: CelRule = {
  rule: '!has(self.image)',
  message:
    'filter items cannot choose images on this kind: move the pattern to imageFilter of the ' +
    'upstream (spec.upstreams[].imageFilter)',
  fieldPath: '.image',
  reason: 'FieldValueForbidden',
};

const namespaceRefusal: CelRule = {
  // A field called `namespace` is written `__namespace__` in CEL, where the word is reserved.
  rule: '!has(self.__namespace__)',
  message:
    'filter items can choose namespaces on cluster-scoped kinds only: remove this one, or declare ' +
    'the cluster-scoped kind instead',
  fieldPath: '.namespace',
  reason: 'FieldValueForbidden',
};

/**
 * One item. Dimensions that the kind does not know stay in the schema and are refused by a rule:
 * the API server would otherwise drop them without a word, and widen what the object applies to.
 */
function filterItemSchema({ scope, images }: FilterChoice) {
  const usable = [
    ...(images ? ['image'] : []),
    'label',
    'annotation',
    ...(scope === 'Cluster' ? ['namespace'] : []),
  ].join(', ');
  const refusals = [
    ...(images ? [] : [imageRefusal]),
    ...(scope === 'Cluster' ? [] : [namespaceRefusal]),
  ];
  const exactlyOne: CelRule = {
    rule: '[has(self.image), has(self.label), has(self.annotation), has(self.__namespace__)].filter(given, given).size() == 1',
    message: `each filter item sets exactly one of ${usable}: write one item for each of them`,
  };
  return Type.Object(
    {
      image: Type.Optional(
        images
          ? patternSchema('the normalised image, registry and tag included')
          : refusedSchema('images are chosen per upstream, in its `imageFilter`'),
      ),
      label: Type.Optional(selectorSchema('labels')),
      annotation: Type.Optional(selectorSchema('annotations')),
      namespace: Type.Optional(
        scope === 'Cluster'
          ? patternSchema('the name of the namespace of the Pod')
          : refusedSchema('only cluster-scoped kinds choose namespaces'),
      ),
    },
    { description: `One item: exactly one of ${usable}.`, ...rules(exactlyOne, ...refusals) },
  );
}

function refusedSchema(reason: string) {
  return Type.String({ maxLength: patternCharactersMax, description: `Refused here: ${reason}.` });
}

/** Selector strings against the labels and the annotations of Pods. */
export type PodFilter = ReadOnly<Static<typeof podFilterSchema>>;

/** One item of the unified filter: exactly one of its four fields is set. */
export type FilterItem = ReadOnly<Static<ReturnType<typeof filterItemSchema>>>;

/** The unified filter: OR inside a dimension, AND across dimensions, exclude wins. */
export type Filter = ReadOnly<Static<ReturnType<typeof filterSchema>>>;
