import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Command } from 'commander';
import { createProgram } from '#command/program.ts';

/** The text of `docs/command-line.md`: what is written by hand, and the help of every command. */
export function commandLinePage(): string {
  const introduction = readFileSync(join(import.meta.dirname, 'introduction.md'), 'utf8');
  const parts = createProgram().commands.map(
    (command) => `### kuik ${command.name()}\n\n\`\`\`\n${helpOf(command)}\n\`\`\`\n`,
  );
  return `${introduction.trimEnd()}\n\n## Every command\n\n${parts.join('\n')}`;
}

/** As `--help` prints it on a terminal of 80 columns. */
function helpOf(command: Command): string {
  let text = '';
  command.configureOutput({
    writeOut: (written) => {
      text += written;
    },
    getOutHelpWidth: () => 80,
    getOutHasColors: () => false,
  });
  command.outputHelp();
  return text.trimEnd();
}
