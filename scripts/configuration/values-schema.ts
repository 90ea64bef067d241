import { configurationSchema } from '#config/schema.ts';
import type { SchemaNode } from '#core/schema/schema-node.ts';
import { rightsValues } from './rights-values.ts';

/**
 * The schema that Helm checks the chart's values with: `configuration` is this room's, `rbac` says what
 * the operator may do, and everything else is the chart's own affair.
 */
export function valuesSchema(): object {
  return {
    $schema: 'http://json-schema.org/draft-07/schema#',
    title: 'Values of the chart kuik',
    type: 'object',
    properties: {
      configuration: {
        ...publish(configurationSchema as SchemaNode),
        description: 'The operator configuration: docs/configuration.md.',
      },
      rbac: rightsValues,
    },
  };
}

/**
 * Without our own keyword, and without `required` where there is a default to fall back to. Helm
 * takes a value of `null` out before it checks, so nothing is said about that.
 */
function publish(schema: SchemaNode): SchemaNode {
  const { expected: _, format: __, required, properties, items, anyOf, ...others } = schema;
  const { additionalProperties, propertyNames, ...plain } = others;
  const missed = (required ?? []).filter((key) => properties?.[key]?.default === undefined);
  return {
    ...plain,
    ...(properties && { properties: publishAll(properties) }),
    ...(missed.length > 0 && { required: missed }),
    ...(items && { items: publish(items) }),
    ...(anyOf && { anyOf: anyOf.map(publish) }),
    ...(additionalProperties !== undefined && {
      additionalProperties:
        typeof additionalProperties === 'object' ? publish(additionalProperties) : false,
    }),
  };
}

function publishAll(
  properties: Readonly<Record<string, SchemaNode>>,
): Readonly<Record<string, SchemaNode>> {
  return Object.fromEntries(
    Object.entries(properties).map(([name, child]) => [name, publish(child)]),
  );
}
