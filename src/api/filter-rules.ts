import { type CelRule, hasItems } from './cel.ts';
import type { Scope } from './filter.ts';

const namespaceFilter = hasItems('self.namespaceFilter');
const podFilter = `(${hasItems('self.podFilter.labels')} || ${hasItems('self.podFilter.annotations')})`;

/**
 * Rules over the filters of a spec. The two spellings exclude each other, told apart by what they
 * hold: an empty filter means the same as an omitted one, and kuik v2 writes empty ones.
 */
export function filterRules(kind: {
  readonly scope: Scope;
  /** Whether the spec has an `imageFilter` of its own: not on the set kinds. */
  readonly images: boolean;
}): readonly CelRule[] {
  return [
    ...(kind.images
      ? [
          exclusion(
            'imageFilter',
            hasItems('self.imageFilter'),
            'the patterns of imageFilter as image items',
          ),
        ]
      : []),
    kind.scope === 'Cluster'
      ? exclusion(
          'namespaceFilter',
          namespaceFilter,
          'the patterns of namespaceFilter as namespace items',
        )
      : namespaceFilterRefusal,
    exclusion('podFilter', podFilter, 'the selectors of podFilter as label and annotation items'),
  ];
}

function exclusion(field: string, used: string, mend: string): CelRule {
  return {
    rule: `!(${hasItems('self.filter')} && ${used})`,
    message: `filter and ${field} exclude each other: write ${mend} of filter and remove ${field}`,
    fieldPath: '.filter',
  };
}

const namespaceFilterRefusal: CelRule = {
  rule: `!${namespaceFilter}`,
  message:
    'namespaceFilter is for cluster-scoped kinds only: remove it (this resource applies to its ' +
    'own namespace), or declare the cluster-scoped kind instead',
  fieldPath: '.namespaceFilter',
  reason: 'FieldValueForbidden',
};
