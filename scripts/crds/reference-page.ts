import { type CustomResourceDefinition, customResourceDefinitions } from '#api/crds/definitions.ts';
import type { StructuralSchema } from '#api/crds/structural-schema.ts';

/** The text of `docs/reference.md`: every field of the five kinds, as the CRDs describe them. */
export function referencePage(): string {
  const definitions = customResourceDefinitions();
  return [
    '# The five kinds, field by field',
    '',
    'Made from `src/api` by `node scripts/generate-crds.ts`; a test compares. `kubectl explain` says',
    'the same. Group and version: `kuik.enix.io/v1alpha1`.',
    '',
    '| kind | scope | short name | `kubectl get` shows |',
    '| --- | --- | --- | --- |',
    ...definitions.map(overviewRow),
    '',
    '`kubectl get kuik` lists all of them.',
    ...definitions.flatMap(section),
    '',
  ].join('\n');
}

function overviewRow({ spec }: CustomResourceDefinition): string {
  const columns = spec.versions[0].additionalPrinterColumns.map((column) =>
    column.name.toUpperCase(),
  );
  const anchor = spec.names.kind.toLowerCase();
  return row([
    `[${spec.names.kind}](#${anchor})`,
    spec.scope === 'Cluster' ? 'cluster' : 'namespace',
    `\`${spec.names.shortNames.join('`, `')}\``,
    columns.join(', '),
  ]);
}

function section({ spec }: CustomResourceDefinition): readonly string[] {
  const schema = spec.versions[0].schema.openAPIV3Schema;
  const body = (name: 'spec' | 'status') => fields(schema.properties?.[name], name);
  return [
    '',
    `## ${spec.names.kind}`,
    '',
    schema.description ?? '',
    '',
    ...table(body('spec')),
    '',
    'What the operator writes:',
    '',
    ...table(body('status')),
    ...refusals(schema),
  ];
}

interface Field {
  readonly path: string;
  readonly schema: StructuralSchema;
  readonly required: boolean;
}

/** The fields below a schema, parents before children, the schema itself left out. */
function fields(schema: StructuralSchema | undefined, path: string): readonly Field[] {
  if (schema === undefined) return [];
  const list = schema.type === 'array' ? schema.items : schema;
  const base = schema.type === 'array' ? `${path}[]` : path;
  return Object.entries(list?.properties ?? {}).flatMap(([name, child]) => [
    {
      path: `${base}.${name}`,
      schema: child,
      required: list?.required?.includes(name) === true && child.default === undefined,
    },
    ...fields(child, `${base}.${name}`),
  ]);
}

function table(list: readonly Field[]): readonly string[] {
  return [
    '| field | type | description |',
    '| --- | --- | --- |',
    ...list.map(({ path, schema, required }) =>
      row([
        `\`${path}\``,
        typeName(schema),
        [schema.description, ...facts(schema, required)].join(' '),
      ]),
    ),
  ];
}

function typeName(schema: StructuralSchema): string {
  if (schema.type === 'array') return `list of ${schema.items?.type ?? 'any'}s`;
  return schema.format === 'date-time' ? 'time' : schema.type;
}

function facts(schema: StructuralSchema, required: boolean): readonly string[] {
  const item = schema.items;
  return [
    ...(required ? ['Required.'] : []),
    ...(schema.enum === undefined ? [] : [`One of \`${schema.enum.join('`, `')}\`.`]),
    ...(schema.default === undefined ? [] : [`Default \`${JSON.stringify(schema.default)}\`.`]),
    ...(schema.maxItems === undefined ? [] : [`At most ${schema.maxItems} items.`]),
    ...(item?.type === 'string' ? [`Each: ${item.description}`, ...facts(item, false)] : []),
    ...(schema.maxLength === undefined ? [] : [`At most ${schema.maxLength} characters.`]),
  ];
}

/** What the API server says of an object it refuses, once each. */
function refusals(schema: StructuralSchema): readonly string[] {
  const messages = new Set(ruleMessages(schema));
  return [
    '',
    'The API server refuses what breaks one of these:',
    '',
    ...[...messages].map((text) => `- ${text}`),
  ];
}

function ruleMessages(schema: StructuralSchema): readonly string[] {
  return [
    ...(schema['x-kubernetes-validations'] ?? []).map((rule) => rule.message),
    ...(schema.items === undefined ? [] : ruleMessages(schema.items)),
    ...Object.values(schema.properties ?? {}).flatMap(ruleMessages),
  ];
}

/** A row of a table; a bar inside a cell would end it. */
function row(cells: readonly string[]): string {
  return `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
}
