import { Command, Option } from 'commander';
import type { PullPolicy } from '#core/pod.ts';
import { type Result, succeed } from '#core/result.ts';
import type { RouteExplanation } from '#core/routing/decision.ts';
import { type DebugFlags, debugEndpoint, debugOptions } from './debug-endpoint.ts';
import type { Question, RouteQueryText } from './explain-questions.ts';
import { type Explained, explanationText } from './explanation-text.ts';
import { askOperator, type OperatorEndpoint, portForward } from './operator-answer.ts';
import { type Output, outputOption, write } from './output.ts';

/** What `kuik explain` was asked. */
interface ExplainFlags extends DebugFlags {
  readonly namespace: string;
  readonly labels?: string;
  readonly annotations?: string;
  readonly policy?: PullPolicy;
  readonly pullSecrets?: string;
  readonly pod?: string;
  readonly output: Output;
}

const debugPort = 8082;

/** `kuik explain`: asks the running operator what a Pod would get, and why. Changes nothing. */
export function explainCommand(): Command {
  const command = new Command('explain')
    .description('say what a Pod with this image would get, and why; nothing is changed')
    .argument('[image]', 'as a Pod names it, docker.io/library/nginx:1.27')
    .option('-n, --namespace <name>', 'namespace of the Pod', 'default')
    .option('--labels <k=v,…>', "the Pod's labels")
    .option('--annotations <k=v,…>', "the Pod's annotations; \\, is a comma in a value")
    .option('--pull-secrets <name,…>', "the Pod's pull secrets, in its namespace")
    .addOption(
      new Option('--policy <policy>', 'imagePullPolicy (default: IfNotPresent)').choices([
        'Always',
        'IfNotPresent',
        'Never',
      ]),
    )
    .option('--pod <file>', 'every image of this manifest instead (YAML or JSON; - reads stdin)');
  for (const option of debugOptions()) command.addOption(option);
  return command.addOption(outputOption()).addHelpText('after', examples).action(explain);
}

const examples = `
Examples:
  kubectl -n kuik-system exec deploy/kuik -- kuik explain nginx:1.27 -n shop
  kubectl get pod web-0 -o yaml | kuik explain --pod -

${portForward(debugPort)}`;

async function explain(
  image: string | undefined,
  flags: ExplainFlags,
  command: Command,
): Promise<void> {
  if ((image === undefined) === (flags.pod === undefined)) {
    command.error('error: expected either an image or --pod FILE');
  }
  const questions = await questionsFor(image ?? '', flags);
  if (!questions.ok) command.error(`error: ${questions.error}`);
  const reached = debugEndpoint(flags);
  if (!reached.ok) command.error(`error: ${reached.error}`);
  const explained: Explained[] = [];
  let replica: string | undefined;
  const onReplica = (name: string) => {
    replica = name;
  };
  for (const question of questions.value) {
    const answer = await ask({ ...reached.value, onReplica }, question.query);
    if (!answer.ok) {
      process.stderr.write(`${answer.error}\n`);
      process.exitCode = 1;
      return;
    }
    explained.push({ ...question, decision: answer.value });
  }
  await write(flags.output, jsonOf(explained, flags, replica), () => textOf(explained, replica));
}

/** What is known of registries is each replica's own, so it is said which one answered. */
function textOf(explained: readonly Explained[], replica: string | undefined): string {
  const text = explained.map(explanationText).join('\n\n');
  return replica === undefined ? `${text}\n` : `${text}\n\nSo says ${replica}.\n`;
}

/** One image is an object, the images of a manifest are a list of these. */
function jsonOf(
  explained: readonly Explained[],
  { pod }: ExplainFlags,
  replica: string | undefined,
): unknown {
  const said = replica === undefined ? {} : { replica };
  if (pod === undefined) return { ...explained[0]?.decision, ...said };
  return explained.map(({ decision, about, admitted }) => ({
    ...decision,
    ...{ about, admitted },
    ...said,
  }));
}

async function questionsFor(
  image: string,
  flags: ExplainFlags,
): Promise<Result<readonly Question[], string>> {
  const { pod, namespace, policy = 'IfNotPresent' } = flags;
  if (pod !== undefined) {
    const { questionsFromManifest } = await import('./explain-questions.ts');
    return questionsFromManifest(pod, namespace);
  }
  const { labels = '', annotations = '', pullSecrets = '' } = flags;
  return succeed([{ query: { image, namespace, labels, annotations, policy, pullSecrets } }]);
}

/** The decision, or why there is none. */
async function ask(
  endpoint: OperatorEndpoint,
  query: RouteQueryText,
): Promise<Result<RouteExplanation, string>> {
  const url = new URL('/debug/route', endpoint.url);
  for (const [key, value] of Object.entries(query)) url.searchParams.set(key, value);
  return await askOperator<RouteExplanation>(endpoint, url, (body) =>
    Array.isArray(body.candidates),
  );
}
