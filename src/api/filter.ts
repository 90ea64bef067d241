import Type, { type Static } from 'typebox';
import { type CelRule, rules } from './cel.ts';
import { includeExclude, patternSchema, selectorSchema } from './include-exclude.ts';
import type { ReadOnly } from './read-only.ts';

/** Whether objects of a kind live in a namespace or beside all of them. */
export type Scope = 'Namespaced' | 'Cluster';

/** `spec.imageFilter` of the mirror kinds and of a ClusterImageSetAvailability. */
export const imageFilterSchema = includeExclude(
  patternSchema('imageFilter', 'the normalised image, registry and tag included'),
  'Which images. Omitted or empty it matches none, unless `filter` is used; with `exclude` alone ' +
    'it matches everything but what is excluded.',
);

/** `spec.upstreams[].imageFilter` of the set kinds. */
export const upstreamImageFilterSchema = includeExclude(
  patternSchema(
    'imageFilter',
    'what follows the registry in the normalised image (it starts with a slash), or of the ' +
      'normalised image with its registry',
  ),
  'Which images of this upstream the set stands for. Omitted or empty it matches none: the ' +
    'upstream is then an alternative only.',
);

/** `spec.namespaceFilter`; on namespaced kinds it stands there only to be refused by a rule. */
export function namespaceFilterSchema(scope: Scope) {
  return includeExclude(
    patternSchema('namespaceFilter', 'the name of the namespace of the Pod'),
    scope === 'Cluster'
      ? 'Which namespaces. Omitted or empty it matches all of them.'
      : 'Refused here: this resource applies to its own namespace, and only cluster-scoped kinds ' +
          'choose namespaces.',
  );
}

/** `spec.podFilter` of all five kinds. */
export const podFilterSchema = Type.Object(
  {
    labels: Type.Optional(
      includeExclude(selectorSchema('labels'), 'Selectors over the labels of the Pod.'),
    ),
    annotations: Type.Optional(
      includeExclude(selectorSchema('annotations'), 'Selectors over the annotations of the Pod.'),
    ),
  },
  { description: 'Which Pods. Omitted or empty it matches all of them.' },
);

/** What the unified filter of a kind can choose. */
interface FilterChoice {
  readonly scope: Scope;
  /** False on the set kinds, whose images are chosen per upstream. */
  readonly images: boolean;
}

/** `spec.filter`, the unified spelling (behaviour §2). */
export function filterSchema(choice: FilterChoice) {
  return includeExclude(
    filterItemSchema(choice),
    'Which Pods and images, in one list of items. Items of one dimension are alternatives, all ' +
      'dimensions must match, and one without an included item matches everything. Excludes the ' +
      'older spelling in `podFilter` and its like.',
  );
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
        patternSchema('image', images ? 'the normalised image' : 'an image (refused here)'),
      ),
      label: Type.Optional(selectorSchema('labels')),
      annotation: Type.Optional(selectorSchema('annotations')),
      namespace: Type.Optional(
        patternSchema(
          'namespace',
          scope === 'Cluster'
            ? 'the name of the namespace of the Pod'
            : 'a namespace (refused here)',
        ),
      ),
    },
    { description: `One item: exactly one of ${usable}.`, ...rules(exactlyOne, ...refusals) },
  );
}

/** Two lists of RE2 patterns, each matched in full against images. */
export type ImageFilter = ReadOnly<Static<typeof imageFilterSchema>>;

/** Two lists of RE2 patterns, each matched in full against the namespace. */
export type NamespaceFilter = ReadOnly<Static<ReturnType<typeof namespaceFilterSchema>>>;

/** Selector strings against the labels and the annotations of Pods. */
export type PodFilter = ReadOnly<Static<typeof podFilterSchema>>;

/** One item of the unified filter: exactly one of its four fields is set. */
export type FilterItem = ReadOnly<Static<ReturnType<typeof filterItemSchema>>>;

/** The unified filter: OR inside a dimension, AND across dimensions, exclude wins. */
export type Filter = ReadOnly<Static<ReturnType<typeof filterSchema>>>;
