import { configurationSchema } from '#config/schema.ts';
import type { SchemaNode } from '#core/schema/schema-node.ts';
import { type ChartValue, readChartValues } from './chart-values.ts';

/**
 * The schema that Helm checks the chart's values with: `configuration` is that of `src/config`, all
 * others follow from chart/values.yaml.
 */
export function valuesSchema(): object {
  return {
    $schema: 'http://json-schema.org/draft-07/schema#',
    title: 'Values of the chart kuik',
    type: 'object',
    additionalProperties: false,
    properties: {
      // Of a chart that kuik is a part of.
      global: { type: 'object', description: 'What a parent chart gives to all its parts.' },
      ...schemasOf(readChartValues(), ''),
    },
  };
}

const levels = ['FATAL', 'ERROR', 'WARN', 'INFO', 'DEBUG', 'TRACE'];

/** As the API server takes it. */
const namespaceName = '^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$';

/** What a default cannot say of a value: which ones there are beside it. */
const known: Readonly<Record<string, object>> = {
  'manager.image.pullPolicy': { enum: ['Always', 'IfNotPresent', 'Never'] },
  'manager.verbosity': { enum: levels.flatMap((level) => [level, level.toLowerCase()]) },
  'manager.replicas': { type: 'integer', minimum: 1 },
  'manager.pdb.minAvailable': { type: ['integer', 'string'] },
  'manager.pdb.maxUnavailable': { type: ['integer', 'string'] },
  'manager.webhook.timeoutSeconds': { type: 'integer', minimum: 1, maximum: 30 },
  'manager.certManager.issuerRef.kind': { enum: ['Issuer', 'ClusterIssuer'] },
  'rbac.secrets': {
    anyOf: [
      { type: 'string', enum: ['all', 'none'] },
      { type: 'array', items: { type: 'string', pattern: namespaceName } },
    ],
  },
};

function schemasOf(values: readonly ChartValue[], path: string): Readonly<Record<string, object>> {
  return Object.fromEntries(values.map((value) => [value.name, schemaOf(value, path)]));
}

function schemaOf(value: ChartValue, path: string): object {
  const { name, description, values } = value;
  const here = path === '' ? name : `${path}.${name}`;
  if (here === 'configuration') {
    return { ...publish(configurationSchema as SchemaNode), description };
  }
  if (values === undefined) {
    return { ...(known[here] ?? { type: typeOf(value.default) }), description };
  }
  return {
    type: 'object',
    ...(description !== '' && { description }),
    additionalProperties: false,
    properties: schemasOf(values, here),
  };
}

function typeOf(value: unknown): string {
  if (Array.isArray(value)) return 'array';
  return typeof value === 'number' ? 'integer' : typeof value;
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
