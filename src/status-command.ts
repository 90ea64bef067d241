import { Command, Option } from 'commander';
import { type StatusAnswer, statusText } from './status-text.ts';

/** What `kuik status` was asked. */
interface StatusFlags {
  readonly namespace?: string;
  readonly metricsUrl: string;
  readonly output: 'text' | 'json';
}

/** The answer is made from memory; whoever asks by hand waits for a busy operator, too. */
const answerTimeoutMs = 15_000;

/** `kuik status`: asks the running operator what could not start again elsewhere, and why. */
export function statusCommand(): Command {
  return new Command('status')
    .description('say which workloads could not start again elsewhere, and why')
    .option('-n, --namespace <name>', 'only this namespace (default: all)')
    .addOption(
      new Option('--metrics-url <url>', 'metrics endpoint of the operator')
        .default('http://127.0.0.1:8080')
        .env('KUIK_METRICS_URL'),
    )
    .addOption(new Option('-o, --output <format>').choices(['text', 'json']).default('text'))
    .addHelpText(
      'after',
      '\nIn a cluster, first: kubectl -n kuik-system port-forward deploy/kuik 8080',
    )
    .allowExcessArguments(false)
    .action(showStatus);
}

async function showStatus(flags: StatusFlags): Promise<void> {
  const answer = await ask(flags);
  if (typeof answer === 'string') {
    process.stderr.write(`${answer}\n`);
    process.exitCode = 1;
    return;
  }
  const json = flags.output === 'json';
  process.stdout.write(
    json ? `${JSON.stringify(answer, null, 2)}\n` : statusText(answer, flags.namespace),
  );
}

/** The answer, or why there is none. */
async function ask({ metricsUrl, namespace }: StatusFlags): Promise<StatusAnswer | string> {
  try {
    const url = new URL('/status/workloads', metricsUrl);
    if (namespace !== undefined) url.searchParams.set('namespace', namespace);
    const answer = await fetch(url, { signal: AbortSignal.timeout(answerTimeoutMs) });
    const body = (await answer.json()) as StatusAnswer & { readonly error?: string };
    if (answer.ok) return body;
    return `The operator at ${metricsUrl} answered ${answer.status}: ${body.error ?? 'no reason given'}`;
  } catch (error) {
    const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
    const reason = cause instanceof Error ? cause.message : String(cause);
    return `Expected an operator at ${metricsUrl} (--metrics-url): ${reason}`;
  }
}
