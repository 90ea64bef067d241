import { Command, Option } from 'commander';

/** `kuik crds`: the five definitions as this version has them, for `kubectl apply`. */
export function crdsCommand(): Command {
  return new Command('crds')
    .description('print the five definitions, for kubectl apply')
    .addOption(
      new Option('-o, --output <format>', 'how they are written')
        .choices(['yaml', 'json'])
        .default('yaml'),
    )
    .addHelpText('after', '\nExample:\n  kuik crds | kubectl apply --server-side -f -')
    .allowExcessArguments(false)
    .action(async ({ output }: { readonly output: 'yaml' | 'json' }) => {
      const [{ customResourceDefinitions }, { stringify }] = await Promise.all([
        import('#api/crds/definitions.ts'),
        import('yaml'),
      ]);
      const items = customResourceDefinitions();
      const list = { apiVersion: 'v1', kind: 'List', items };
      const options = { aliasDuplicateObjects: false, lineWidth: 100 };
      process.stdout.write(
        output === 'json'
          ? `${JSON.stringify(list, null, 2)}\n`
          : items.map((item) => `---\n${stringify(item, options)}`).join(''),
      );
    });
}
