import { Command, Option } from 'commander';
import { isRegistry } from '#core/image/reference.ts';
import { type DebugFlags, debugEndpoint, debugOptions } from './debug-endpoint.ts';
import { askOperator, portForward } from './operator-answer.ts';
import { type Output, outputOption, write } from './output.ts';
import { type WhatIfAnswer, whatIfText } from './what-if-text.ts';

/** What `kuik what-if` was asked. */
interface WhatIfFlags extends DebugFlags {
  readonly registry: readonly string[];
  /** Ends with 3 when something could not start. */
  readonly exitCode?: true;
  readonly output: Output;
}

/** `--exit-code`: a gate tells what could not start from a command that failed. */
const stranded = 3;

/** `kuik what-if`: asks the running operator what would become of what runs, if a registry died now. */
export function whatIfCommand(): Command {
  const command = new Command('what-if')
    .description('say what would start elsewhere, and what not at all, if a registry died now')
    .addOption(
      new Option('--registry <host>', 'held unreachable, as if it died now; may be repeated')
        .argParser((value: string, before: readonly string[] = []) => [...before, value])
        .makeOptionMandatory(),
    )
    .option('--exit-code', 'end with 3 when something could not start');
  for (const option of debugOptions()) command.addOption(option);
  return command
    .addOption(outputOption())
    .addHelpText('after', examples)
    .allowExcessArguments(false)
    .action(askWhatIf);
}

const examples = `
Other registries are asked as for a new Pod. Nothing is changed.

Exit codes: 0, 3 with --exit-code if something could not start, 1 no answer.

Examples:
  kubectl -n kuik-system exec deploy/kuik -- kuik what-if --registry docker.io
  kuik what-if --registry quay.io --registry ghcr.io --exit-code -o json

${portForward(8082)}`;

async function askWhatIf(flags: WhatIfFlags, command: Command): Promise<void> {
  const url = new URL('/debug/what-if', flags.debugUrl);
  for (const registry of flags.registry) {
    if (!isRegistry(registry)) {
      command.error(`error: --registry: expected the host of a registry, got "${registry}"`);
    }
  }
  url.searchParams.set('registry', flags.registry.join(','));
  const endpoint = debugEndpoint(flags);
  if (!endpoint.ok) command.error(`error: ${endpoint.error}`);
  const answer = await askOperator<WhatIfAnswer>(
    endpoint.value,
    url,
    ({ moving, stranded: left }) => {
      return Array.isArray(moving) && Array.isArray(left);
    },
  );
  if (!answer.ok) {
    process.stderr.write(`${answer.error}\n`);
    process.exitCode = 1;
    return;
  }
  await write(flags.output, answer.value, whatIfText);
  if (flags.exitCode === true && answer.value.stranded.length > 0) process.exitCode = stranded;
}
