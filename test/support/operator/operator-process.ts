import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { type Api, openApi } from '#test/support/api-server/api.ts';
import { installChart, type Release, removeChart } from '#test/support/api-server/chart.ts';
import { removeNamespace } from '#test/support/api-server/namespace.ts';
import type { Rights } from '#test/support/api-server/rendered-rights.ts';
import {
  type Child,
  freePorts,
  lastLines,
  startChild,
} from '#test/support/processes/child-process.ts';
import { type TemporaryDirectory, temporaryDirectory } from '#test/support/processes/guardian.ts';
import { keepSaid, keepSecret } from '#test/support/runner/kept-secrets.ts';
import { operatorLeftOut, untilReady } from '#test/support/time/eventually.ts';
import { commandOf, type Site } from './operator-command.ts';
import { keepSaidBy } from './said-by-operator.ts';
import type { UnpackedImage } from './unpacked-image.ts';

/** How an operator is started; only the control plane must be named. */
export interface OperatorOptions {
  /** Path of the kubeconfig that installs the chart. */
  readonly adminKubeconfig: string;
  /** Operator configuration (behaviour 7); the defaults unless told. */
  readonly config?: object;
  /** Flags after ours, which they override. */
  readonly flags?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** Another replica of a running operator shares its namespace, release and webhook URL. */
  readonly replicaOf?: OperatorProcess;
  /** Another way to the API server, such as a proxy that cuts watches. */
  readonly server?: string;
  /** Who signed the certificate of that way. */
  readonly authorityPem?: string;
  /** With its service account where a Pod finds it, in place of a kubeconfig; see `canBeInPod`. */
  readonly inPod?: boolean;
  /** Shell commands that make its own mounts what they are, once it is in its Pod. */
  readonly mounts?: string;
  /** From the layers of an image alone, with its root read-only and as its user; in a Pod too. */
  readonly image?: UnpackedImage;
  /** What the chart's values say of its rights; the defaults, with nothing refused, unless told. */
  readonly rights?: Rights;
  /** Told where its health is asked for as soon as it runs, long before it is ready. */
  readonly launched?: (healthUrl: string) => void;
  /** What is started: the sources unless told. */
  readonly entry?: string;
  /** How often it is asked whether it is ready. */
  readonly askEveryMs?: number;
}

/** The operator in a process of its own, as the shipped ServiceAccount with the shipped roles. */
export interface OperatorProcess {
  readonly pid: number;
  /** From the start of the process until it said that it is ready. */
  readonly readyAfterMs: number;
  /** The chart's release; the webhook configuration has the same name. */
  readonly release: string;
  /** Where its Lease, certificate and overflow are. */
  readonly namespace: string;
  readonly webhookUrl: string;
  readonly metricsUrl: string;
  readonly healthUrl: string;
  readonly debugUrl: string;
  /** All it has logged, as JSON lines. */
  readonly logs: () => string;
  /** How many reviews it has answered. A test in which nothing changes asserts that this grew. */
  readonly reviews: () => Promise<number>;
  /** Ends it as Kubernetes does, and throws unless it ends with code 0 in time. */
  readonly stop: () => Promise<void>;
  /** Ends it as a crash of its machine does. */
  readonly kill: () => Promise<void>;
}

/** As users are told to name it; the webhook configuration has the same name. */
const releaseName = 'kuik';
/** A cold start on a loaded machine; usually it takes about two seconds. */
const readyWithinMs = 30_000;
/** Behaviour 8: what is in flight is finished by 15 s. */
const stopWithinMs = 20_000;

/** How the API server says that a role is missing; other 403s are about the object. */
const refusedByRoles = /[^"]*User \\"system:serviceaccount:[^"]* cannot [^"]*resource.{0,80}/;

/**
 * Starts an operator and waits until it is ready; throws, with the end of its log, when it is not.
 * With `KUIK_TEST_NO_OPERATOR=1` everything is prepared and nothing is started: whatever passes
 * then does not test the operator (test/integration/no-operator.test.ts).
 */
export async function startOperator(options: OperatorOptions): Promise<OperatorProcess> {
  const admin = openApi(options.adminKubeconfig);
  const directory = temporaryDirectory('operator');
  const namespace = options.replicaOf?.namespace ?? `kuik-system-${randomBytes(4).toString('hex')}`;
  try {
    const site = await prepareSite(admin, namespace, options);
    const launched = operatorLeftOut ? undefined : await launch(site, directory.path, options);
    return control({ admin, directory, site, ...launched, options });
  } catch (error) {
    directory.remove();
    // A policy that stayed would be in force for all files that come after.
    if (options.rights !== undefined) {
      await removeChart(admin, releaseOf({ release: releaseName, namespace }, options));
    }
    if (options.replicaOf === undefined) await removeNamespace(admin, namespace);
    await admin.close();
    throw error;
  }
}

async function prepareSite(admin: Api, namespace: string, options: OperatorOptions): Promise<Site> {
  const release = options.replicaOf?.release ?? releaseName;
  if (options.replicaOf === undefined) {
    const metadata = { name: namespace };
    await admin.create('/api/v1/namespaces', { apiVersion: 'v1', kind: 'Namespace', metadata });
  }
  const token = await installChart(admin, releaseOf({ release, namespace }, options), {
    isOutside: true,
  });
  const { server, authorityPem } = { ...admin, ...options };
  const [webhook = 0, metrics = 0, health = 0, debug = 0] = await freePorts(4);
  return {
    release,
    namespace,
    webhookUrl: options.replicaOf?.webhookUrl ?? `https://127.0.0.1:${webhook}`,
    identity: { server, authorityPem, token, namespace },
    ports: { webhook, metrics, health, debug },
  };
}

function releaseOf(
  { release: name, namespace }: Pick<OperatorProcess, 'release' | 'namespace'>,
  { rights }: OperatorOptions,
): Release {
  return { name, namespace, ...(rights !== undefined && { rights }) };
}

interface Launched {
  readonly child: Child;
  readonly readyAfterMs: number;
}

async function launch(site: Site, directory: string, options: OperatorOptions): Promise<Launched> {
  const started = commandOf(site, directory, options);
  const startedMs = performance.now();
  const child = await startChild({
    ...{ name: 'operator', logFile: join(directory, 'operator.log') },
    ...{ command: started.command, args: started.args },
    env: { ...started.env, ...options.env },
  });
  const healthUrl = `http://127.0.0.1:${site.ports.health}`;
  options.launched?.(healthUrl);
  await ready(child, `${healthUrl}/readyz`, options.askEveryMs);
  return { child, readyAfterMs: performance.now() - startedMs };
}

async function ready(child: Child, url: string, everyMs = 50): Promise<void> {
  const look = async () => {
    if (child.exit() !== undefined) return 'ended' as const;
    return (await fetch(url)).status === 200 ? ('ready' as const) : undefined;
  };
  let outcome: 'ended' | 'ready';
  try {
    outcome = await untilReady(`${url} answers 200`, look, {
      ...{ withinMs: readyWithinMs, everyMs },
    });
  } catch (error) {
    await child.stop('SIGKILL', 0);
    throw new Error(`The operator did not get ready:\n${lastLines(child)}`, { cause: error });
  }
  if (outcome === 'ready') return;
  const { code, signal } = await child.exited;
  const how = signal ?? `code ${code}`;
  throw new Error(`The operator ended with ${how} before it was ready:\n${lastLines(child)}`);
}

interface Running {
  readonly admin: Api;
  readonly directory: TemporaryDirectory;
  readonly site: Site;
  readonly child?: Child;
  readonly readyAfterMs?: number;
  readonly options: OperatorOptions;
}

function control(running: Running): OperatorProcess {
  const { admin, directory, site, child, readyAfterMs = 0, options } = running;
  const { release, namespace, webhookUrl, ports } = site;
  const cleanUp = async () => {
    keepSaid('log', child?.logs() ?? '');
    if (options.replicaOf === undefined) {
      // Nobody answers at that address any more; Pods of later tests should not ask there.
      const kind = 'mutatingwebhookconfigurations';
      await admin.remove(`/apis/admissionregistration.k8s.io/v1/${kind}/${release}`);
      // A policy is in force for all who come after.
      if (options.rights !== undefined) await removeChart(admin, releaseOf(site, options));
      await removeNamespace(admin, namespace);
    }
    await admin.close();
    directory.remove();
  };
  const metricsUrl = `http://127.0.0.1:${ports.metrics}`;
  const debugUrl = `http://127.0.0.1:${ports.debug}`;
  const asked = { metricsUrl, debugUrl, namespace };
  keepSecret(site.identity.token);
  return {
    pid: child?.pid ?? 0,
    readyAfterMs,
    release,
    namespace,
    webhookUrl,
    metricsUrl,
    healthUrl: `http://127.0.0.1:${ports.health}`,
    debugUrl,
    logs: () => child?.logs() ?? '',
    reviews: () => reviewsAt(metricsUrl),
    stop: async () => {
      await keepSaidBy(admin, asked);
      const exit = await child?.stop('SIGTERM', stopWithinMs);
      const tail = child === undefined ? '' : lastLines(child);
      const refusal = refusalIn(child?.logs() ?? '', options);
      await cleanUp();
      if (refusal !== undefined) throw new Error(`Expected the roles to do, got: ${refusal}`);
      if (exit === undefined || exit.code === 0) return;
      const how = exit.signal ?? `code ${exit.code}`;
      throw new Error(`Expected the operator to end with code 0, it ended with ${how}:\n${tail}`);
    },
    kill: async () => {
      await keepSaidBy(admin, asked);
      await child?.stop('SIGKILL', 0);
      await cleanUp();
    },
  };
}

/** What the roles refused, where they are to let the operator do all that it does. */
function refusalIn(logs: string, { rights }: OperatorOptions): string | undefined {
  const isWhole = rights?.secrets === undefined || rights.secrets === 'all';
  return isWhole ? refusedByRoles.exec(logs)?.[0] : undefined;
}

async function reviewsAt(metricsUrl: string): Promise<number> {
  const text = await (await fetch(`${metricsUrl}/metrics`)).text();
  const found = /^kube_image_keeper_webhook_admission_duration_seconds_count (\d+)/m.exec(
    text,
  )?.[1];
  if (found === undefined)
    throw new Error('Expected /metrics to count reviews, found no such line.');
  return Number(found);
}
