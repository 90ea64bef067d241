import { type CelRule, hasItems } from './cel.ts';
import type { FilterChoice } from './filter.ts';

const imageFilter = hasItems('self.imageFilter');
const namespaceFilter = hasItems('self.namespaceFilter');
const podFilter = `(${hasItems('self.podFilter.labels')} || ${hasItems('self.podFilter.annotations')})`;

/**
 * Rules over the filters of a spec. The two spellings exclude each other, told apart by what they
 * hold: an empty filter means the same as an omitted one, and kuik v2 writes empty ones.
 */
export function filterRules({ scope, images }: FilterChoice): readonly CelRule[] {
  return [
    ...(images ? [exclusion('imageFilter', imageFilter, 'image')] : []),
    scope === 'Cluster'
      ? exclusion('namespaceFilter', namespaceFilter, 'namespace')
      : namespaceFilterRefusal,
    exclusion('podFilter', podFilter, 'label and annotation'),
  ];
}

function exclusion(field: string, used: string, items: string): CelRule {
  const held = field === 'podFilter' ? 'selectors' : 'patterns';
  const mend = `the ${held} of ${field} as ${items} items`;
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
