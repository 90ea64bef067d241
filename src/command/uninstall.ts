import { Command, InvalidArgumentError } from 'commander';
import { kubeconfigOption, withApiServer } from './with-api-server.ts';

/** What `kuik uninstall` was asked. */
interface UninstallFlags {
  readonly yes?: true;
  readonly kubeconfig?: string;
  readonly namespace?: string;
  readonly deployment: string;
  readonly webhookConfiguration: string;
  readonly secrets: SecretsPlace;
}

/** As `rbac.secrets` in the chart: where copies may be. */
type SecretsPlace = 'all' | readonly string[];

/**
 * `kuik uninstall`: takes away what the operator made, as the chart's Job does before a release is
 * removed. Resources, definitions and copies on mirrors stay. Ends with 1 where something is left.
 */
export function uninstallCommand(): Command {
  return new Command('uninstall')
    .description('take away what the operator made; resources and definitions stay')
    .option('--yes', 'do it; without, only say what would be done')
    .addOption(kubeconfigOption())
    .option('--namespace <name>', 'where the operator is (default: that of the context)')
    .option('--deployment <name>', 'of the operator', 'kuik')
    .option('--webhook-configuration <name>', 'by which reviews come', 'kuik')
    .option(
      '--secrets <where>',
      'where copies of Secrets are: all, none, or namespaces with commas',
      parseSecrets,
      'all',
    )
    .addHelpText('after', '\nExample:\n  kuik uninstall --namespace kuik-system --yes')
    .allowExcessArguments(false)
    .action(uninstall);
}

function parseSecrets(text: string): SecretsPlace {
  if (text === 'all') return 'all';
  if (text === 'none') return [];
  const names = text.split(',');
  if (names.includes(''))
    throw new InvalidArgumentError('Expected names with commas between them.');
  return names;
}

async function uninstall(flags: UninstallFlags): Promise<void> {
  const { uninstallSteps } = await import('./uninstall-steps.ts');
  if (flags.yes !== true) {
    const list = uninstallSteps.map(({ what }) => `- ${what}\n`).join('');
    process.stdout.write(`To be taken away, with --yes:\n${list}`);
    return;
  }
  await withApiServer(flags.kubeconfig, async ({ client, namespace: own }) => {
    const { deployment, webhookConfiguration, namespace = own, secrets } = flags;
    const installation = {
      ...{ client, namespace, deployment, webhookConfiguration },
      ...(secrets !== 'all' && { secretNamespaces: secrets }),
    };
    for (const { what, take } of uninstallSteps) {
      const outcome = await take(installation, new AbortController().signal);
      if (outcome.ok) process.stdout.write(`${what}: ${outcome.value}\n`);
      else failed(`${what}: ${outcome.error}`);
    }
  });
}

/** What is left is said; what can be taken away besides is. */
function failed(message: string): void {
  process.stderr.write(`${message}\n`);
  process.exitCode = 1;
}
