/** What the operator may do, as the chart's values say it; docs/security.md has the rules. */
export const rightsValues = {
  type: 'object',
  description: 'What the operator may do in the cluster.',
  additionalProperties: false,
  properties: {
    create: {
      type: 'boolean',
      default: true,
      description:
        'Whether the roles and bindings are made; where not, whoever installs gives the account its rights.',
    },
    secrets: {
      default: 'all',
      description:
        'In which namespaces Secrets may be read, and copies of them placed: `all`, `none`, or a list of namespaces that exist. Elsewhere a Secret counts as missing, with a warning, and no Pod waits for it.',
      anyOf: [
        { type: 'string', enum: ['all', 'none'] },
        {
          type: 'array',
          maxItems: 1000,
          items: { type: 'string', pattern: '^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$' },
        },
      ],
    },
    policy: {
      type: 'object',
      description: 'What the API server itself holds, by ValidatingAdmissionPolicies.',
      additionalProperties: false,
      properties: {
        enabled: {
          type: 'boolean',
          default: true,
          description:
            'Whether it holds that the operator writes nothing but what is its own, and that nobody else writes its copies of Secrets.',
        },
        exempt: {
          type: 'array',
          default: [],
          maxItems: 1000,
          description:
            'User names that may write copies besides, such as the account of kuik v2 while both run, or of a program that restores backups.',
          items: { type: 'string', minLength: 1 },
        },
      },
    },
  },
};
