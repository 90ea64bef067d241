import { Command, Option } from 'commander';
import type { PullPolicy } from '#core/pod.ts';
import { type Result, succeed } from '#core/result.ts';
import type { RouteExplanation } from '#core/routing/decision.ts';
import { type Question, questionsFromManifest, type RouteQueryText } from './explain-questions.ts';
import { type Explained, explanationText } from './explanation-text.ts';
import { askOperator, parseEndpoint, portForward } from './operator-answer.ts';

/** What `kuik explain` was asked. */
interface ExplainFlags {
  readonly namespace: string;
  readonly labels?: string;
  readonly annotations?: string;
  readonly policy?: PullPolicy;
  readonly pullSecrets?: string;
  readonly pod?: string;
  readonly debugUrl: string;
  readonly output: 'text' | 'json';
}

const debugPort = 8082;

/** `kuik explain`: asks the running operator what a Pod would get, and why. Changes nothing. */
export function explainCommand(): Command {
  return new Command('explain')
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
    .option('--pod <file>', 'every image of this manifest instead (YAML or JSON; - reads stdin)')
    .addOption(
      new Option('--debug-url <url>', 'debug endpoint of the operator')
        .default('http://127.0.0.1:8082')
        .env('KUIK_DEBUG_URL')
        .argParser(parseEndpoint),
    )
    .addOption(
      new Option('-o, --output <format>', 'for people or for machines')
        .choices(['text', 'json'])
        .default('text'),
    )
    .addHelpText('after', `\n${portForward(debugPort)}`)
    .action(explain);
}

async function explain(
  image: string | undefined,
  flags: ExplainFlags,
  command: Command,
): Promise<void> {
  if ((image === undefined) === (flags.pod === undefined)) {
    command.error('error: expected either an image or --pod FILE');
  }
  const questions = questionsFor(image ?? '', flags);
  if (!questions.ok) command.error(`error: ${questions.error}`);
  const explained: Explained[] = [];
  for (const question of questions.value) {
    const answer = await ask(flags.debugUrl, question.query);
    if (!answer.ok) {
      process.stderr.write(`${answer.error}\n`);
      process.exitCode = 1;
      return;
    }
    explained.push({ ...question, decision: answer.value });
  }
  const text =
    flags.output === 'json'
      ? JSON.stringify(jsonOf(explained, flags), null, 2)
      : explained.map(explanationText).join('\n\n');
  process.stdout.write(`${text}\n`);
}

/** One image is an object, the images of a manifest are a list of these. */
function jsonOf(explained: readonly Explained[], { pod }: ExplainFlags): unknown {
  if (pod === undefined) return explained[0]?.decision;
  return explained.map(({ decision, about, admitted }) => ({ ...decision, about, admitted }));
}

function questionsFor(image: string, flags: ExplainFlags): Result<readonly Question[], string> {
  const { pod, namespace, policy = 'IfNotPresent' } = flags;
  if (pod !== undefined) return questionsFromManifest(pod, namespace);
  const { labels = '', annotations = '', pullSecrets = '' } = flags;
  return succeed([{ query: { image, namespace, labels, annotations, policy, pullSecrets } }]);
}

/** The decision, or why there is none. */
async function ask(
  debugUrl: string,
  query: RouteQueryText,
): Promise<Result<RouteExplanation, string>> {
  const url = new URL('/debug/route', debugUrl);
  for (const [key, value] of Object.entries(query)) url.searchParams.set(key, value);
  const endpoint = { url: debugUrl, flag: '--debug-url', port: debugPort };
  return await askOperator<RouteExplanation>(endpoint, url, (body) =>
    Array.isArray(body.candidates),
  );
}
