import { Command } from 'commander';
import { parsePort } from './flags.ts';
import { parseEndpoint } from './operator-answer.ts';

/** What `kuik dashboard` was asked. */
interface DashboardFlags {
  readonly debugUrl?: string;
  readonly namespace?: string;
  readonly context?: string;
  readonly kubectl: string;
  readonly port?: number;
  readonly open: boolean;
}

/** `kuik dashboard`: forwards the debug port of every replica and opens the page of the one that leads. */
export function dashboardCommand(): Command {
  return new Command('dashboard')
    .description('forward the debug port of every replica and open its page in the browser')
    .option('--namespace <name>', 'where the operator is (default: wherever it is found)')
    .option('--context <name>', 'for kubectl: the cluster, if it is not the current one')
    .option('--kubectl <command>', 'what forwards', 'kubectl')
    .option(
      '--port <port>',
      'of the page here (default: any that is free, of the leader)',
      parsePort,
    )
    .option(
      '--debug-url <url>',
      'of an operator that is reached already: nothing is forwarded',
      parseEndpoint,
    )
    .option('--no-open', 'only print the address')
    .addHelpText('after', examples)
    .allowExcessArguments(false)
    .action(showDashboard);
}

const examples = `
The page only looks: nothing can be changed on it. What it shows of registries
and decisions is what one replica knows; it offers the others. Ends with Ctrl-C.

Who runs this needs "list" on pods and "create" on pods/portforward in the
operator's namespace.

Examples:
  kubectl kuik dashboard
  kuik dashboard --context production --no-open
  kuik dashboard --debug-url http://127.0.0.1:8082`;

async function showDashboard(flags: DashboardFlags): Promise<void> {
  const { openBrowser } = await import('./open-browser.ts');
  const show = (address: string) => {
    process.stdout.write(`${address}\n`);
    if (flags.open) openBrowser(address, process.env);
  };
  if (flags.debugUrl !== undefined) {
    show(new URL('/debug/', flags.debugUrl).href);
    return;
  }
  const { forwardReplicas } = await import('./forward-replicas.ts');
  const stopped = new AbortController();
  for (const name of ['SIGINT', 'SIGTERM'] as const) process.once(name, () => stopped.abort());
  const forwarded = await forwardReplicas(flags, stopped.signal);
  if (!forwarded.ok) {
    process.stderr.write(`${forwarded.error}\n`);
    process.exitCode = 1;
    return;
  }
  show(forwarded.value.address);
  process.stderr.write('Ctrl-C ends it.\n');
  const reason = await forwarded.value.ended;
  if (stopped.signal.aborted) return;
  process.stderr.write(`${reason}\n`);
  process.exitCode = 1;
}
