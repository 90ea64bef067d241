#!/usr/bin/env -S node --max-semi-space-size=16
import { Command, CommanderError } from 'commander';
import { loadEnvironment } from '#config/environment.ts';
import { formatConfigurationFailure, loadConfiguration } from '#config/load.ts';
import { explainCommand } from './command/explain.ts';
import { flagProblems, type OperatorFlags, operatorOptions } from './command/flags.ts';
import { statusCommand } from './command/status.ts';
import { version } from './core/version.ts';

/** Wrong use: flags or `KUIK_…` values (behaviour §8). */
const wrongUse = 2;
const failed = 1;

process.title = 'kuik';
for (const event of ['uncaughtException', 'unhandledRejection'] as const) {
  // A bug nobody supervises: the state is unknown, and Kubernetes starts us anew.
  process.on(event, (error) => {
    process.stderr.write(`${JSON.stringify({ level: 'fatal', event, error: text(error) })}\n`);
    process.exit(failed);
  });
}

const program = new Command('kuik')
  .description('Keeps Pods starting when a container registry does not answer.')
  .version(version)
  .showHelpAfterError()
  .configureHelp({ showGlobalOptions: true })
  .exitOverride();

const operator = program
  .command('operator')
  .description('run the operator: webhook, certificate, watches, leader election')
  .allowExcessArguments(false)
  .action(startOperator);
for (const option of operatorOptions()) operator.addOption(option);
program.addCommand(explainCommand());
program.addCommand(statusCommand());
for (const command of program.commands) command.exitOverride().showHelpAfterError();

try {
  await program.parseAsync();
} catch (error) {
  if (!(error instanceof CommanderError)) throw error;
  process.exitCode = error.exitCode === 0 ? 0 : wrongUse;
}

async function startOperator(flags: OperatorFlags): Promise<void> {
  const problems = flagProblems(flags);
  if (problems.length > 0) operator.error(problems.join('\n'));
  const loaded = loadConfiguration(flags.config);
  if (!loaded.ok) {
    process.stderr.write(`${formatConfigurationFailure(loaded.error)}\n`);
    process.exitCode = failed;
    return;
  }
  const environment = loadEnvironment(process.env);
  // Loaded only here, so that `--help`, `explain` and `status` answer at once.
  const { runOperator } = await import('./operator.ts');
  const { configuration } = loaded.value;
  process.exitCode = await runOperator({ flags, configuration, environment });
}

function text(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}
