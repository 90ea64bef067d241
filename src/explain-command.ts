import { readFileSync } from 'node:fs';
import { Command, Option } from 'commander';
import { parse } from 'yaml';
import type { PodObject, PullPolicy } from '#core/pod.ts';
import type { RouteDecision } from '#core/routing/decision.ts';
import { decisionText } from './decision-text.ts';

/** What `kuik explain` was asked. */
interface ExplainFlags {
  readonly namespace: string;
  readonly labels: string;
  readonly annotations: string;
  readonly policy?: PullPolicy;
  readonly pod?: string;
  readonly debugUrl: string;
  readonly output: 'text' | 'json';
}

/** One image to ask about, as `/debug/route` wants it. */
interface Question {
  readonly image: string;
  readonly namespace: string;
  readonly labels: string;
  readonly annotations: string;
  readonly policy: PullPolicy;
}

/** A review has 3 s by default; whoever asks by hand waits a little longer. */
const answerTimeoutMs = 15_000;

/** `kuik explain`: asks the running operator what a Pod would get, and why. Changes nothing. */
export function explainCommand(): Command {
  return new Command('explain')
    .description('say what a Pod with this image would get, and why; nothing is changed')
    .argument('[image]', 'as a Pod names it, docker.io/library/nginx:1.27')
    .option('-n, --namespace <name>', 'namespace of the Pod', 'default')
    .option('--labels <k=v,…>', "the Pod's labels", '')
    .option('--annotations <k=v,…>', "the Pod's annotations", '')
    .addOption(
      new Option('--policy <policy>', 'imagePullPolicy (default: IfNotPresent)').choices([
        'Always',
        'IfNotPresent',
        'Never',
      ]),
    )
    .option('--pod <file>', 'explain every image of this Pod manifest instead (YAML or JSON)')
    .addOption(
      new Option('--debug-url <url>', 'debug endpoint of the operator')
        .default('http://127.0.0.1:8082')
        .env('KUIK_DEBUG_URL'),
    )
    .addOption(new Option('-o, --output <format>').choices(['text', 'json']).default('text'))
    .addHelpText(
      'after',
      '\nIn a cluster, first: kubectl -n kuik-system port-forward deploy/kuik 8082',
    )
    .action(explain);
}

async function explain(
  image: string | undefined,
  flags: ExplainFlags,
  command: Command,
): Promise<void> {
  if ((image === undefined) === (flags.pod === undefined)) {
    command.error('expected either an image or --pod FILE');
  }
  const questions =
    flags.pod === undefined ? [asked(image ?? '', flags)] : fromPod(flags.pod, flags, command);
  const decisions: RouteDecision[] = [];
  for (const question of questions) {
    const answer = await ask(flags.debugUrl, question);
    if (typeof answer === 'string') {
      process.stderr.write(`${answer}\n`);
      process.exitCode = 1;
      return;
    }
    decisions.push(answer);
  }
  const text =
    flags.output === 'json'
      ? JSON.stringify(flags.pod === undefined ? decisions[0] : decisions, null, 2)
      : decisions.map(decisionText).join('\n\n');
  process.stdout.write(`${text}\n`);
}

function asked(image: string, flags: ExplainFlags): Question {
  const { namespace, labels, annotations, policy = 'IfNotPresent' } = flags;
  return { image, namespace, labels, annotations, policy };
}

/** Every image of a Pod, or of the Pod template of a workload. */
function fromPod(file: string, flags: ExplainFlags, command: Command): readonly Question[] {
  const pod = readPod(file, command);
  const { metadata = {}, spec = {} } = pod;
  const common = {
    namespace: metadata.namespace ?? flags.namespace,
    labels: pairs(metadata.labels),
    annotations: pairs(metadata.annotations),
  };
  const containers = [...(spec.initContainers ?? []), ...(spec.containers ?? [])].map(
    ({ image, imagePullPolicy }) => ({ image, policy: imagePullPolicy }),
  );
  const volumes = (spec.volumes ?? []).map((volume) => ({
    image: volume.image?.reference,
    policy: volume.image?.pullPolicy,
  }));
  const questions = [...containers, ...volumes].flatMap(({ image, policy }) =>
    image === undefined ? [] : [{ ...common, image, policy: policy ?? 'IfNotPresent' }],
  );
  if (questions.length === 0) command.error(`expected ${file} to name an image, found none`);
  return questions;
}

function readPod(file: string, command: Command): PodObject {
  try {
    const object = parse(readFileSync(file, 'utf8')) as PodObject & {
      readonly spec?: { readonly template?: PodObject };
    };
    const template = object?.spec?.template;
    if (template === undefined) return object ?? {};
    const namespace = object.metadata?.namespace;
    return {
      ...template,
      metadata: { ...template.metadata, ...(namespace !== undefined && { namespace }) },
    };
  } catch (error) {
    return command.error(
      `expected a Pod manifest in ${file}: ${error instanceof Error ? error.message : error}`,
    );
  }
}

function pairs(record: Readonly<Record<string, string>> | undefined): string {
  return Object.entries(record ?? {})
    .map(([key, value]) => `${key}=${value}`)
    .join(',');
}

/** The decision, or why there is none. */
async function ask(debugUrl: string, question: Question): Promise<RouteDecision | string> {
  const url = new URL('/debug/route', debugUrl);
  for (const [key, value] of Object.entries(question)) url.searchParams.set(key, value);
  try {
    const answer = await fetch(url, { signal: AbortSignal.timeout(answerTimeoutMs) });
    const body = (await answer.json()) as RouteDecision & { readonly error?: string };
    if (answer.ok) return body;
    return `The operator at ${debugUrl} answered ${answer.status}: ${body.error ?? 'no reason given'}`;
  } catch (error) {
    const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
    const reason = cause instanceof Error ? cause.message : String(cause);
    return `Expected an operator at ${debugUrl} (--debug-url): ${reason}`;
  }
}
