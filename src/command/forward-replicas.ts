import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { promisify } from 'node:util';
import { isObject } from '#core/json.ts';
import { fail, type Result, succeed } from '#core/result.ts';

/** How the replicas are reached. */
export interface ForwardOptions {
  readonly namespace?: string;
  readonly context?: string;
  readonly kubectl: string;
  /** Of the page here, whichever replica's it is; the others take any that is free. */
  readonly port?: number;
}

/** Replicas whose debug ports are forwarded to this machine. */
export interface ForwardedReplicas {
  /** Of the page of the one that leads, or of any; it knows the others. */
  readonly address: string;
  /** Why nothing is forwarded any more. */
  readonly ended: Promise<string>;
}

interface Pod {
  readonly namespace: string;
  readonly name: string;
}

interface Forward {
  readonly pod: Pod;
  readonly port: number;
  readonly child: ChildProcess;
}

/** As the chart labels the operator's Pods. */
const labels = 'app.kubernetes.io/name=kuik,app.kubernetes.io/component=operator';
const debugPort = 8082;
/** More replicas than anybody runs: each is a process here. */
const replicasMax = 10;
/** kubectl answers in a second or two, or asks for a password that nobody types. */
const kubectlTimeoutMs = 30_000;
const answerTimeoutMs = 5_000;
const answerBytesMax = 16 * 1024 * 1024;

/** Forwards the debug port of each replica that runs; the error is for a person. */
export async function forwardReplicas(
  options: ForwardOptions,
  signal: AbortSignal,
): Promise<Result<ForwardedReplicas, string>> {
  const pods = await findPods(options);
  if (!pods.ok) return pods;
  const tried = await Promise.all(
    pods.value.map((pod, index) => forward(pod, options, index === 0 ? options.port : undefined)),
  );
  const forwards = tried.flatMap((one) => (one.ok ? [one.value] : []));
  signal.addEventListener('abort', () => {
    for (const { child } of forwards) child.kill();
  });
  const failed = tried.find((one) => !one.ok);
  const [first] = forwards;
  if (first === undefined) return failed ?? fail('Expected a replica to forward, found none.');
  if (failed !== undefined && !failed.ok) process.stderr.write(`${failed.error}\n`);
  const leader = options.port === undefined ? await findLeader(first, forwards) : undefined;
  return succeed({
    address: addressOf(leader ?? first, forwards),
    ended: Promise.all(forwards.map(({ child }) => untilExit(child))).then(
      () => 'No replica is forwarded any more: run it again.',
    ),
  });
}

async function findPods(options: ForwardOptions): Promise<Result<readonly Pod[], string>> {
  const { namespace } = options;
  const where = namespace === undefined ? ['--all-namespaces'] : ['--namespace', namespace];
  const asked = ['get', 'pods', ...where, '--selector', labels, '--output', 'json'];
  const answer = await runKubectl(options, asked);
  if (!answer.ok) return answer;
  const pods = answer.value.items.flatMap((item) => readRunning(item) ?? []);
  const namespaces = new Set(pods.map((pod) => pod.namespace));
  if (namespaces.size > 1) {
    const names = [...namespaces].join(', ');
    return fail(`Expected one operator, found some in ${names}: --namespace says which.`);
  }
  if (pods.length > 0) return succeed(pods.slice(0, replicasMax));
  const place = namespace === undefined ? 'in the cluster' : `in ${namespace}`;
  return fail(`Expected running Pods with the labels ${labels} ${place}, found none.`);
}

function readRunning(item: unknown): Pod | undefined {
  if (!isObject(item) || !isObject(item['metadata']) || !isObject(item['status'])) return undefined;
  const { namespace, name, deletionTimestamp } = item['metadata'];
  const isRunning = item['status']['phase'] === 'Running' && deletionTimestamp === undefined;
  if (!isRunning || typeof namespace !== 'string' || typeof name !== 'string') return undefined;
  return { namespace, name };
}

async function runKubectl(
  options: ForwardOptions,
  words: readonly string[],
): Promise<Result<{ readonly items: readonly unknown[] }, string>> {
  const { kubectl } = options;
  try {
    const { stdout } = await promisify(execFile)(kubectl, [...contextOf(options), ...words], {
      timeout: kubectlTimeoutMs,
      maxBuffer: answerBytesMax,
    });
    const { items } = JSON.parse(stdout) as { readonly items?: unknown };
    return succeed({ items: Array.isArray(items) ? items : [] });
  } catch (error) {
    return fail(describeFailure(kubectl, error as NodeJS.ErrnoException & { stderr?: string }));
  }
}

function describeFailure(
  kubectl: string,
  { code, stderr, message }: NodeJS.ErrnoException & { stderr?: string },
): string {
  const said = stderr?.trim() || message;
  if (code !== 'ENOENT') return `Expected ${kubectl} to find the operator: ${said}`;
  return (
    `Expected ${kubectl} on PATH (--kubectl): it forwards the port to this machine. ` +
    'In a Pod there is none: run this, or "kubectl kuik dashboard", where your browser is.'
  );
}

/** The port it chose is in what it says. */
async function forward(
  pod: Pod,
  options: ForwardOptions,
  port: number | undefined,
): Promise<Result<Forward, string>> {
  const ports = `${port ?? ''}:${debugPort}`;
  const words = ['--namespace', pod.namespace, 'port-forward', `pod/${pod.name}`, ports];
  const child = spawn(options.kubectl, [...contextOf(options), ...words], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let said = '';
  child.stderr.on('data', (text) => {
    said = `${said}${text}`.slice(-1_000);
  });
  const chosen = new Promise<number>((resolve) => {
    createInterface({ input: child.stdout }).on('line', (line) => {
      const [, found] = /^Forwarding from 127\.0\.0\.1:(\d+)/.exec(line) ?? [];
      if (found !== undefined) resolve(Number(found));
    });
  });
  const found = await Promise.race([chosen, untilExit(child)]);
  if (found !== undefined) return succeed({ pod, port: found, child });
  return fail(`Expected kubectl to forward ${ports} of ${pod.name}: ${said.trim()}`);
}

function contextOf({ context }: ForwardOptions): readonly string[] {
  return context === undefined ? [] : ['--context', context];
}

async function untilExit(child: ChildProcess): Promise<undefined> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  await new Promise<void>((resolve) => {
    child.once('exit', () => resolve());
    child.once('error', () => resolve());
  });
}

/** Whoever leads also knows of checks and copies; every replica says who that is. */
async function findLeader(
  asked: Forward,
  forwards: readonly Forward[],
): Promise<Forward | undefined> {
  try {
    const answer = await fetch(`http://127.0.0.1:${asked.port}/debug/`, {
      signal: AbortSignal.timeout(answerTimeoutMs),
    });
    const { leader } = (await answer.json()) as { readonly leader?: unknown };
    return forwards.find(({ pod }) => String(leader).startsWith(`${pod.name}_`));
  } catch {
    return undefined;
  }
}

/** Each page links to the others: what it knows of registries is its replica's own. */
function addressOf({ port }: Forward, forwards: readonly Forward[]): string {
  const replicas = forwards.map((one) => `${one.pod.name}@${one.port}`).join(',');
  return `http://127.0.0.1:${port}/debug/#/overview?replicas=${replicas}`;
}
