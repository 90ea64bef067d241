import { Command } from 'commander';
import type { CheckedInstallation } from './check-steps.ts';
import { wrap } from './explanation-text.ts';
import type { Finding } from './finding.ts';
import { metricsUrlOption, readMetrics } from './metrics-endpoint.ts';
import { type Output, outputOption, write } from './output.ts';
import { kubeconfigOption, withApiServer } from './with-api-server.ts';

/** What `kuik check` was asked. */
interface CheckFlags {
  readonly kubeconfig?: string;
  readonly namespace?: string;
  readonly serviceAccount?: string;
  readonly probeNamespace: string;
  readonly webhookConfiguration: string;
  readonly metricsUrl: string;
  readonly output: Output;
}

/** A gate after an installation tells what is wrong from a command that could not ask. */
const somethingFailed = 3;
const withinMs = 60_000;

/** `kuik check`: is it working, and if not, what is in the way. */
export function checkCommand(): Command {
  return new Command('check')
    .description('say whether it works, and what is in the way')
    .addOption(kubeconfigOption())
    .option('--namespace <name>', 'where the operator is (default: that of the context)')
    .option('--service-account <name>', 'whose rights are looked at (default: of whoever asks)')
    .option('--probe-namespace <name>', 'where a Pod is tried on a dry run', 'default')
    .option('--webhook-configuration <name>', 'by which reviews come', 'kuik')
    .addOption(metricsUrlOption())
    .addOption(outputOption())
    .addHelpText('after', examples)
    .allowExcessArguments(false)
    .action(runCheck);
}

const examples = `
Exit codes: 0 it works, 3 something is broken, 1 the API server does not answer.

Examples:
  kubectl -n kuik-system exec deploy/kuik -- kuik check
  kuik check --namespace kuik-system -o json`;

async function runCheck(flags: CheckFlags): Promise<void> {
  await withApiServer(flags.kubeconfig, async ({ client, namespace: own }) => {
    const { namespace = own, probeNamespace, webhookConfiguration, serviceAccount } = flags;
    const findings = await findAll({
      ...{ client, namespace, probeNamespace, webhookConfiguration, serviceAccount },
      now: Date.now,
      metrics: () => readMetrics(flags.metricsUrl),
    });
    await write(flags.output, { findings }, () => textOf(findings));
    process.exitCode = exitCodeOf(findings);
  });
}

/** One look after the other; where the API server does not answer the first is the last. */
async function findAll(installation: CheckedInstallation): Promise<readonly Finding[]> {
  const { checkSteps } = await import('./check-steps.ts');
  const signal = AbortSignal.timeout(withinMs);
  const findings: Finding[] = [];
  for (const look of checkSteps) {
    findings.push(...(await look(installation, signal)));
    if (!isAnswering(findings)) break;
  }
  return findings;
}

function isAnswering([server]: readonly Finding[]): boolean {
  return server?.state !== 'failed';
}

function exitCodeOf(findings: readonly Finding[]): number {
  if (!isAnswering(findings)) return 1;
  return findings.some(({ state }) => state === 'failed') ? somethingFailed : 0;
}

const columns = 80;
const words = { ok: 'ok', warning: 'warning', failed: 'FAILED' } as const;
const stateColumns = 9;

/** A line a finding, long ones wrapped below themselves. */
function textOf(findings: readonly Finding[]): string {
  const lines = findings.flatMap(({ check, state, message }) => {
    const [first = '', ...rest] = wrap(`${check}: ${message}`, columns - stateColumns);
    const indent = ' '.repeat(stateColumns);
    return [words[state].padEnd(stateColumns) + first, ...rest.map((line) => indent + line)];
  });
  return `${lines.join('\n')}\n`;
}
