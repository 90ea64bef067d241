import Type from 'typebox';
import { rules } from './cel.ts';
import type { Scope } from './filter.ts';
import { namespaceCharactersMax, objectNameCharactersMax } from './limits.ts';

/** A reference to a Secret; on cluster-scoped kinds it must say in which namespace. */
export function credentialSecretSchema(scope: Scope, field: string, description: string) {
  const namespaceRequired = {
    // A field called `namespace` is written `__namespace__` in CEL, where the word is reserved.
    rule: "has(self.__namespace__) && self.__namespace__ != ''",
    message: `${field}.namespace is required on cluster-scoped kinds: name the namespace in which the Secret lives`,
    fieldPath: '.namespace',
    reason: 'FieldValueRequired',
  } as const;
  return Type.Object(
    {
      name: Type.String({
        minLength: 1,
        maxLength: objectNameCharactersMax,
        description:
          'Name of a Secret of type `kubernetes.io/dockerconfigjson` or `kubernetes.io/dockercfg`.',
      }),
      namespace: Type.Optional(
        Type.String({
          maxLength: namespaceCharactersMax,
          description:
            scope === 'Cluster'
              ? 'Namespace of the Secret. Required.'
              : 'Ignored: the Secret is looked for in the namespace of this resource.',
        }),
      ),
    },
    { description, ...(scope === 'Cluster' ? rules(namespaceRequired) : {}) },
  );
}
