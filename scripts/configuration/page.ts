import { describeExpectation } from '#config/expectation.ts';
import { configurationSchema } from '#config/schema.ts';
import type { SchemaNode } from '#config/schema-node.ts';

/** The text of `docs/configuration.md`: every field of the operator configuration. */
export function configurationPage(): string {
  return [
    '# The operator configuration, field by field',
    '',
    'Made from `src/config` by `node scripts/generate-config-docs.ts`; a test compares.',
    '',
    'YAML at `/etc/kube-image-keeper/config.yaml`, where a missing file means the defaults, or where',
    '`--config` says, where it must be. A file written for kuik v2 loads unchanged. It is read once, at',
    'the start; an unknown key, a wrong type or an impossible value stops the start with the file, the',
    'place, what was expected and what was found, for all of them at once (exit code 1).',
    '',
    'Durations are written as Go writes them (`1h30m`, `500ms`), or as a bare `0`. `<host>` is a',
    'registry with its port, as in a normalised image reference (`docker.io`, `localhost:5000`).',
    '',
    '| field | default | meaning |',
    '| --- | --- | --- |',
    ...listFields(configurationSchema as SchemaNode, '').map(formatRow),
    '',
    '## The environment',
    '',
    '`HTTPS_PROXY`, `HTTP_PROXY` and `NO_PROXY` are read as Go reads them, CIDRs too; the API server is',
    'never proxied unless the kubeconfig says so. `NODE_EXTRA_CA_CERTS` names a file with further',
    'certificates to trust. Every flag of `kuik operator --help` has a variable `KUIK_…` there.',
    '',
  ].join('\n');
}

interface Field {
  readonly path: string;
  readonly schema: SchemaNode;
}

/** Every field with a value, in the order of the schema; sections are shown by what is in them. */
function listFields(schema: SchemaNode, path: string): readonly Field[] {
  return Object.entries(schema.properties ?? {}).flatMap(([name, child]) => {
    const here = path === '' ? name : `${path}.${name}`;
    if (typeof child.additionalProperties === 'object') {
      return [
        { path: here, schema: child },
        ...listFields(child.additionalProperties, `${here}.<host>`),
      ];
    }
    return child.properties === undefined
      ? [{ path: here, schema: child }]
      : listFields(child, here);
  });
}

function formatRow({ path, schema }: Field): string {
  const meaning = [schema.description ?? '', `Expected: ${describeExpectation(schema)}.`].join(' ');
  const cells = [`\`${path}\``, formatDefault(schema), meaning];
  // A bar inside a cell would end it.
  return `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
}

function formatDefault(schema: SchemaNode): string {
  if (schema.default === undefined || schema.default === '') return '';
  const text = typeof schema.default === 'string' ? schema.default : JSON.stringify(schema.default);
  return `\`${text}\``;
}
