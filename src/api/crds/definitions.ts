import { apiGroup, apiVersionName, type KindInfo, type KuikKind, kinds } from '#api/kinds.ts';
import { objectSchemas } from '#api/object-schemas.ts';
import { printerColumns } from './printer-columns.ts';
import { type StructuralSchema, structuralSchema } from './structural-schema.ts';

/** A CustomResourceDefinition, as far as kuik writes one. */
export type CustomResourceDefinition = ReturnType<typeof customResourceDefinition>;

/** The five definitions as they are to be served; throws when a schema says what a CRD cannot. */
export function customResourceDefinitions(): readonly CustomResourceDefinition[] {
  return kinds.map(customResourceDefinition);
}

function customResourceDefinition(info: KindInfo) {
  const version = {
    name: apiVersionName,
    served: true,
    storage: true,
    schema: { openAPIV3Schema: objectSchema(info) },
    subresources: { status: {} },
    additionalPrinterColumns: printerColumns[info.kind],
  };
  return {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name: `${info.plural}.${apiGroup}` },
    spec: {
      group: apiGroup,
      names: {
        kind: info.kind,
        listKind: `${info.kind}List`,
        plural: info.plural,
        singular: info.kind.toLowerCase(),
        shortNames: [info.shortName],
        // `kubectl get kuik` lists all five kinds.
        categories: ['kuik'],
      },
      scope: info.scope,
      versions: [version] as const,
    },
  };
}

const summaries: Readonly<Record<KuikKind, string>> = {
  ReplicatedImageSet:
    'Says that these upstreams hold the same images, for the Pods of its own namespace: when one ' +
    'does not answer, the next one is used.',
  ClusterReplicatedImageSet:
    'Says that these upstreams hold the same images, for the Pods of all namespaces: when one does ' +
    'not answer, the next one is used.',
  ImageSetMirror:
    'Copies the images that the Pods of its own namespace use to these mirrors, and routes Pods to ' +
    'the copies.',
  ClusterImageSetMirror:
    'Copies the images that the Pods of all namespaces use to these mirrors, and routes Pods to ' +
    'the copies.',
  ClusterImageSetAvailability: 'Keeps checking that the images in use can still be pulled.',
};

function objectSchema(info: KindInfo): StructuralSchema {
  const { spec, status } = objectSchemas(info);
  return {
    type: 'object',
    description: summaries[info.kind],
    properties: {
      apiVersion: {
        type: 'string',
        description: `Group and version of the schema that this object follows: \`${apiGroup}/${apiVersionName}\`.`,
      },
      kind: { type: 'string', description: `\`${info.kind}\`.` },
      metadata: { type: 'object' },
      spec: structuralSchema(spec, 'spec'),
      status: structuralSchema(status, 'status'),
    },
  };
}
