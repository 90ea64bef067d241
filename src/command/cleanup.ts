import { Command } from 'commander';
import { type CleanupAnswer, cleanupText } from './cleanup-text.ts';
import { metricsEndpoint, metricsPort, metricsUrlOption } from './metrics-endpoint.ts';
import { askOperator, portForward } from './operator-answer.ts';
import { type Output, outputOption, write } from './output.ts';

/** What `kuik cleanup` was asked. */
interface CleanupFlags {
  readonly dryRun?: true;
  readonly metricsUrl: string;
  readonly output: Output;
}

/** `kuik cleanup --dry-run`: asks the running operator which copies are to go, when and why. */
export function cleanupCommand(): Command {
  return new Command('cleanup')
    .description('say which copies are to be deleted, when and why; nothing is changed')
    .option('--dry-run', 'only say so; the operator alone deletes, once it is due')
    .addOption(metricsUrlOption())
    .addOption(outputOption())
    .addHelpText('after', examples)
    .allowExcessArguments(false)
    .action(showCleanup);
}

const examples = `
Examples:
  kubectl -n kuik-system exec deploy/kuik -- kuik cleanup --dry-run
  kuik cleanup --dry-run -o json

${portForward(metricsPort)}`;

async function showCleanup(flags: CleanupFlags, command: Command): Promise<void> {
  const { metricsUrl, output } = flags;
  if (flags.dryRun !== true) {
    command.error('error: expected --dry-run: the operator alone deletes, once a copy is due');
  }
  const endpoint = metricsEndpoint(metricsUrl);
  const url = new URL('/status/cleanup', metricsUrl);
  const answer = await askOperator<CleanupAnswer>(endpoint, url, ({ items, total }) => {
    return Array.isArray(items) && typeof total === 'number';
  });
  if (!answer.ok) {
    process.stderr.write(`${answer.error}\n`);
    process.exitCode = 1;
    return;
  }
  await write(output, answer.value, (value) => cleanupText(value, Date.now()));
}
