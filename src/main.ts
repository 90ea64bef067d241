#!/usr/bin/env -S sh -c 'v=$(node -p process.versions.node); [ "${v%%.*}" -ge 24 ] || { echo "kuik needs Node 24 or newer, found $v" >&2; exit 1; }; exec node --max-semi-space-size=16 "$0" "$@"'
import { CommanderError } from 'commander';
import { createProgram } from './command/program.ts';

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

// Whoever reads the first lines and leaves has what they wanted.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit();
  throw error;
});

// Not awaited: the shipped form is of a kind that knows no await outside functions (docs/adr/0014).
void runProgram();

async function runProgram(): Promise<void> {
  try {
    await createProgram().parseAsync();
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    process.exitCode = error.exitCode === 0 ? 0 : wrongUse;
  }
}

function text(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}
