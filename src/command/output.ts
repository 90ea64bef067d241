import { Option } from 'commander';

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
export async function write<T>(
  output: Output,
  answer: T,
  toText: (answer: T) => string,
): Promise<void> {
  process.stdout.write(await textOf(output, answer, toText));
}

async function textOf<T>(
  output: Output,
  answer: T,
  toText: (answer: T) => string,
): Promise<string> {
  if (output === 'json') return `${JSON.stringify(answer, null, 2)}\n`;
  if (output !== 'yaml') return toText(answer);
  const { stringify } = await import('yaml');
  return stringify(answer, { aliasDuplicateObjects: false });
}
