import { Command } from 'commander';
import type { OperatorEnvironment } from '#config/environment.ts';
import type { OperatorConfiguration } from '#config/operator-configuration.ts';
import { flagProblems, type OperatorFlags, operatorOptions } from './flags.ts';

/** What the command line and the surroundings say. */
export interface OperatorInput {
  readonly flags: OperatorFlags;
  readonly configuration: OperatorConfiguration;
  readonly environment: OperatorEnvironment;
}

/** Runs the operator until a signal; resolves to the exit code. */
export type RunOperator = (input: OperatorInput) => Promise<number>;

/** `kuik operator`. */
export function operatorCommand(run: RunOperator): Command {
  const operator = new Command('operator')
    .description('run the operator: webhook, certificate, watches, leader election')
    .addHelpText(
      'after',
      '\nExample:\n  kuik operator --kubeconfig ~/.kube/config --leader-elect true',
    )
    .allowExcessArguments(false)
    .action((flags: OperatorFlags) => start(operator, flags, run));
  for (const option of operatorOptions()) operator.addOption(option);
  return operator;
}

async function start(operator: Command, flags: OperatorFlags, run: RunOperator): Promise<void> {
  const problems = flagProblems(flags);
  if (problems.length > 0) operator.error(`error: ${problems.join('; ')}`);
  const [{ loadEnvironment }, { formatConfigurationFailure, loadConfiguration }] =
    await Promise.all([import('#config/environment.ts'), import('#config/load.ts')]);
  const loaded = loadConfiguration(flags.config);
  if (!loaded.ok) {
    process.stderr.write(`${formatConfigurationFailure(loaded.error)}\n`);
    process.exitCode = 1;
    return;
  }
  const environment = loadEnvironment(process.env);
  const { configuration } = loaded.value;
  process.exitCode = await run({ flags, configuration, environment });
}
