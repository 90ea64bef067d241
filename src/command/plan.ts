import { Command } from 'commander';
import { type DebugFlags, debugEndpoint, debugOptions } from './debug-endpoint.ts';
import { askOperator, portForward } from './operator-answer.ts';
import { type Output, outputOption, write } from './output.ts';
import { type PlanAnswer, planText } from './plan-text.ts';

/** What `kuik plan` was asked. */
interface PlanFlags extends DebugFlags {
  readonly namespace: string;
  readonly output: Output;
}

/** A gate tells a resource that is wrong from a command that could not ask. */
const somethingWrong = 3;

/** `kuik plan`: asks the running operator what resources would do, were they applied. */
export function planCommand(): Command {
  const command = new Command('plan')
    .description('say what a resource would do before it is applied; nothing is changed')
    .argument('<file>', 'resources of the five kinds (YAML or JSON; - reads stdin)')
    .option('-n, --namespace <name>', 'of resources that name none', 'default');
  for (const option of debugOptions()) command.addOption(option);
  return command
    .addOption(outputOption())
    .addHelpText('after', examples)
    .allowExcessArguments(false)
    .action(plan);
}

const examples = `
What would be rerouted is decided as for new Pods, now. Secrets that only these
resources name are not used: a registry that wants them counts as not available.

Exit codes: 0, 3 a resource is wrong, 2 there is no such file, 1 nobody answers.

Examples:
  kubectl -n kuik-system exec -i deploy/kuik -- kuik plan - < mirror.yaml
  kuik plan mirror.yaml -o json

${portForward(8082)}`;

async function plan(file: string, flags: PlanFlags, command: Command): Promise<void> {
  const [{ readObjects }, { checkResources }] = await Promise.all([
    import('./explain-questions.ts'),
    import('./plan-resources.ts'),
  ]);
  const objects = readObjects(file, 'resources');
  if (!objects.ok) command.error(`error: ${objects.error}`);
  const checked = checkResources(objects.value, flags.namespace);
  if (!checked.ok) {
    process.stderr.write(checked.error.map((problem) => `${problem}\n`).join(''));
    process.exitCode = somethingWrong;
    return;
  }
  const endpoint = debugEndpoint(flags);
  if (!endpoint.ok) command.error(`error: ${endpoint.error}`);
  const answer = await askOperator<PlanAnswer>(
    { ...endpoint.value, body: { resources: checked.value } },
    new URL('/debug/plan', flags.debugUrl),
    ({ plans }) => Array.isArray(plans),
  );
  if (!answer.ok) {
    process.stderr.write(`${answer.error}\n`);
    process.exitCode = 1;
    return;
  }
  await write(flags.output, answer.value, planText);
  const isWrong = answer.value.plans.some(({ problems }) => problems.length > 0);
  if (isWrong) process.exitCode = somethingWrong;
}
