import { Option } from 'commander';
import { stringify } from 'yaml';

/** How a command writes its answer; `table` is another word for `text`. */
export type Output = 'text' | 'table' | 'json' | 'yaml';

const outputs: readonly Output[] = ['text', 'table', 'json', 'yaml'];

/** The flag `-o` of all commands that print an answer. */
export function outputOption(): Option {
  return new Option('-o, --output <format>', 'for people (text, table) or for machines')
    .choices(outputs)
    .default('text');
}

/** Writes an answer as it was asked for. */
export function write<T>(output: Output, answer: T, toText: (answer: T) => string): void {
  process.stdout.write(textOf(output, answer, toText));
}

function textOf<T>(output: Output, answer: T, toText: (answer: T) => string): string {
  if (output === 'json') return `${JSON.stringify(answer, null, 2)}\n`;
  if (output === 'yaml') return stringify(answer, { aliasDuplicateObjects: false });
  return toText(answer);
}
