import { Command } from 'commander';
import { metricsEndpoint, metricsPort, metricsUrlOption } from './metrics-endpoint.ts';
import { type MirroringAnswer, mirroringText } from './mirroring-text.ts';
import { askOperator, portForward } from './operator-answer.ts';
import { type Output, outputOption, write } from './output.ts';
import { type StatusAnswer, statusText } from './status-text.ts';

/** What `kuik status` was asked. */
interface StatusFlags {
  readonly namespace?: string;
  readonly allNamespaces?: true;
  /** Ends with 3 when something is at risk. */
  readonly exitCode?: true;
  readonly metricsUrl: string;
  readonly output: Output;
}

/** `--exit-code`: a gate before a drain tells what is at risk from a command that failed. */
const atRisk = 3;

/** `kuik status`: asks the running operator what could not start again elsewhere, and why. */
export function statusCommand(): Command {
  return new Command('status')
    .description('say which workloads could not start again elsewhere, and how copying fares')
    .option('-n, --namespace <name>', 'only this namespace (default: all)')
    .option('-A, --all-namespaces', 'all namespaces')
    .option('--exit-code', 'end with 3 when something is at risk')
    .addOption(metricsUrlOption())
    .addOption(outputOption())
    .addHelpText('after', examples)
    .allowExcessArguments(false)
    .action(showStatus);
}

const examples = `
Exit codes: 0, 3 with --exit-code when something is at risk, 1 nobody answered.

Examples:
  kubectl -n kuik-system exec deploy/kuik -- kuik status
  kuik status -n shop --exit-code -o json

${portForward(metricsPort)}`;

async function showStatus(flags: StatusFlags, command: Command): Promise<void> {
  const { metricsUrl, namespace, output } = flags;
  if (namespace !== undefined && flags.allNamespaces === true) {
    command.error('error: expected either --namespace or --all-namespaces, got both');
  }
  const url = new URL('/status/workloads', metricsUrl);
  if (namespace !== undefined) url.searchParams.set('namespace', namespace);
  const endpoint = metricsEndpoint(metricsUrl);
  const answer = await askOperator<StatusAnswer>(endpoint, url, ({ workloads, total }) => {
    return Array.isArray(workloads) && typeof total === 'number';
  });
  if (!answer.ok) {
    process.stderr.write(`${answer.error}\n`);
    process.exitCode = 1;
    return;
  }
  const mirroring = await askMirroring(metricsUrl);
  await write(output, { ...answer.value, ...(mirroring && { mirroring }) }, () => {
    const copies = mirroring === undefined ? '' : mirroringText(mirroring);
    return `${statusText(answer.value, namespace)}${copies}`;
  });
  if (flags.exitCode === true && answer.value.total > 0) process.exitCode = atRisk;
}

/** An operator that says nothing of mirroring says all the rest. */
async function askMirroring(metricsUrl: string): Promise<MirroringAnswer | undefined> {
  const endpoint = metricsEndpoint(metricsUrl);
  const url = new URL('/status/mirroring', metricsUrl);
  const answer = await askOperator<MirroringAnswer>(endpoint, url, ({ running, faults }) => {
    return Array.isArray(running) && Array.isArray(faults);
  });
  return answer.ok ? answer.value : undefined;
}
