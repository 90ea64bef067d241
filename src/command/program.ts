import { Command } from 'commander';
import { version } from '#core/version.ts';
import { checkCommand } from './check.ts';
import { cleanupCommand } from './cleanup.ts';
import { completionCommand } from './completion.ts';
import { crdsCommand } from './crds.ts';
import { dashboardCommand } from './dashboard.ts';
import { explainCommand } from './explain.ts';
import { type OperatorInput, operatorCommand } from './operator.ts';
import { planCommand } from './plan.ts';
import { statusCommand } from './status.ts';
import { uninstallCommand } from './uninstall.ts';
import { versionCommand } from './version.ts';
import { whatIfCommand } from './what-if.ts';

/** The command line, ready to be parsed; wrong use is thrown as commander's error. */
export function createProgram(): Command {
  const program = new Command('kuik')
    .description('Keeps Pods starting when a container registry does not answer.')
    .version(version)
    .configureHelp({ showGlobalOptions: true })
    .exitOverride();
  const commands = [
    operatorCommand(runOperator),
    checkCommand(),
    explainCommand(),
    planCommand(),
    whatIfCommand(),
    statusCommand(),
    cleanupCommand(),
    dashboardCommand(),
    uninstallCommand(),
    crdsCommand(),
    versionCommand(),
    completionCommand(program),
  ];
  for (const command of commands) program.addCommand(command.exitOverride());
  for (const command of [program, ...program.commands]) {
    const name = command === program ? 'kuik' : `kuik ${command.name()}`;
    command
      .showHelpAfterError(`Run '${name} --help' for the usage.`)
      .configureOutput({ outputError: (text, write) => write(onOneLine(text)) });
  }
  return program;
}

/** Loaded only when it is run, so that `--help`, `explain` and `status` answer at once. */
async function runOperator(input: OperatorInput): Promise<number> {
  const { runOperator: run } = await import('../operator.ts');
  return await run(input);
}

/** The mistake in one line, the nearest right word included; the next one tells of `--help`. */
function onOneLine(message: string): string {
  return `${message.trim().replaceAll(/\s*\n\s*/g, ' ')}\n`;
}
