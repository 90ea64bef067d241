#!/usr/bin/env -S sh -c 'v=$(node -p process.versions.node); [ "${v%%.*}" -ge 24 ] || { echo "kuik needs Node 24 or newer, found $v" >&2; exit 1; }; exec node --max-semi-space-size=16 "$0" "$@"'
import { Command, CommanderError } from 'commander';
import { version } from '#core/version.ts';
import { cleanupCommand } from './command/cleanup.ts';
import { explainCommand } from './command/explain.ts';
import { type OperatorInput, operatorCommand } from './command/operator.ts';
import { statusCommand } from './command/status.ts';

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

/** Loaded only when it is run, so that `--help`, `explain` and `status` answer at once. */
async function runOperator(input: OperatorInput): Promise<number> {
  const { runOperator: run } = await import('./operator.ts');
  return await run(input);
}

const program = new Command('kuik')
  .description('Keeps Pods starting when a container registry does not answer.')
  .version(version)
  .configureHelp({ showGlobalOptions: true })
  .exitOverride();
const commands = [
  operatorCommand(runOperator),
  explainCommand(),
  statusCommand(),
  cleanupCommand(),
];
for (const command of commands) {
  program.addCommand(command.exitOverride());
}

for (const command of [program, ...program.commands]) {
  const name = command === program ? 'kuik' : `kuik ${command.name()}`;
  command
    .showHelpAfterError(`Run '${name} --help' for the usage.`)
    .configureOutput({ outputError: (text, write) => write(onOneLine(text)) });
}

// Not awaited: the shipped form is of a kind that knows no await outside functions (docs/adr/0014).
void runProgram();

async function runProgram(): Promise<void> {
  try {
    await program.parseAsync();
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    process.exitCode = error.exitCode === 0 ? 0 : wrongUse;
  }
}

/** The mistake in one line, the nearest right word included; the next one tells of `--help`. */
function onOneLine(message: string): string {
  return `${message.trim().replaceAll(/\s*\n\s*/g, ' ')}\n`;
}

function text(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}
