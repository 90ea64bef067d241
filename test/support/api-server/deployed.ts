import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type CommandRun, runKuik } from '#test/support/operator/kuik-command.ts';
import { entryPoint, shippedNodeFlags } from '#test/support/operator/shipped-node.ts';
import { type Child, startChild } from '#test/support/processes/child-process.ts';
import { eventually } from '#test/support/time/eventually.ts';
import { type Access, type Api, apiOf, type KubeObject, kubeconfigFor } from './api.ts';

/** A namespace whose Pods no node runs: a test runs what they say, with ports and files of its own. */
export interface Site {
  readonly admin: Api;
  readonly namespace: string;
  /** Where files are put that a container would be given. */
  readonly directory: string;
}

/** What a test reads of a Pod. */
export interface PodSpec {
  readonly serviceAccountName: string;
  readonly containers: readonly { readonly args: readonly string[] }[];
}

/** A Deployment or a Job, as a test reads it. */
export interface Workload {
  readonly spec: { readonly template: { readonly spec: PodSpec } };
}

/** The only object of a kind. */
export function oneOf<T>(all: readonly KubeObject[], kind: string): KubeObject & T {
  const [object, ...others] = all.filter((one) => one.kind === kind);
  if (object === undefined || others.length > 0) throw new Error(`Expected one ${kind}.`);
  return object as KubeObject & T;
}

/** A kubeconfig of a service account, with a token that the API server gave it. */
async function accountKubeconfig(site: Site, account: string): Promise<string> {
  const path = join(site.directory, account);
  writeFileSync(path, kubeconfigFor(await accessAs(site, account), site.namespace));
  return path;
}

async function accessAs({ admin, namespace }: Site, account: string): Promise<Access> {
  const path = `/api/v1/namespaces/${namespace}/serviceaccounts/${account}/token`;
  const { body } = await admin.create(path, {
    apiVersion: 'authentication.k8s.io/v1',
    kind: 'TokenRequest',
    spec: { expirationSeconds: 3_600 },
  });
  const { server, authorityPem } = admin;
  return { server, authorityPem, token: String(body.status.token) };
}

/** Starts the operator as its Deployment says; `ports` are those of webhook, metrics, health, debug. */
export async function startAsDeployed(
  site: Site,
  objects: readonly KubeObject[],
  ports: readonly number[],
): Promise<Child> {
  const { containers, serviceAccountName } = oneOf<Workload>(objects, 'Deployment').spec.template
    .spec;
  const maps = objects.filter(({ metadata }) => metadata.name === serviceAccountName);
  const { data } = oneOf<{ data: Record<string, string> }>(maps, 'ConfigMap');
  const config = join(site.directory, 'config.yaml');
  writeFileSync(config, data['config.yaml'] ?? '');
  const [webhook, metrics, health, debug] = ports;
  const kubeconfig = await accountKubeconfig(site, serviceAccountName);
  return await startChild({
    name: 'operator of the chart',
    command: process.execPath,
    args: [
      ...shippedNodeFlags(),
      entryPoint,
      ...(containers[0]?.args ?? []),
      ...[`--kubeconfig=${kubeconfig}`, `--config=${config}`],
      ...[`--webhook-port=${webhook}`, `--metrics-port=${metrics}`],
      ...[`--health-port=${health}`, `--debug-port=${debug}`],
    ],
    logFile: join(site.directory, 'operator.log'),
    env: { PATH: process.env['PATH'], HOME: site.directory },
  });
}

/** Which Pod a test runs, and what it does beside what the Pod says. */
export interface RunPodOptions {
  readonly labelSelector: string;
  /** What its account can read once its roles are in force. */
  readonly readable: string;
  readonly args?: readonly string[];
}

/** Runs the first Pod with these labels as a node would, and says so to the API server. */
export async function runPod(site: Site, options: RunPodOptions): Promise<CommandRun> {
  const { labelSelector, readable, args = [] } = options;
  const { admin, namespace } = site;
  const pods = `/api/v1/namespaces/${namespace}/pods`;
  let found: (KubeObject & { spec: PodSpec }) | undefined;
  await eventually('the Pod is made', async () => {
    const { body } = await admin.call('GET', pods, { query: { labelSelector } });
    [found] = body.items;
    return found !== undefined;
  });
  if (found === undefined) throw new Error('Expected a Pod.');
  const { containers, serviceAccountName } = found.spec;
  await rolesInForce(site, serviceAccountName, readable);
  const kubeconfig = await accountKubeconfig(site, serviceAccountName);
  const given = [...(containers[0]?.args ?? []), `--kubeconfig=${kubeconfig}`, ...args];
  const run = await runKuik(given);
  await admin.merge(`${pods}/${found.metadata.name}/status`, {
    status: { phase: run.code === 0 ? 'Succeeded' : 'Failed' },
  });
  return run;
}

/** The authorizer learns of a role a moment after it was made; a container takes longer to start. */
async function rolesInForce(site: Site, account: string, readable: string): Promise<void> {
  const somebody = apiOf(await accessAs(site, account));
  try {
    await eventually('the roles are in force', async () => {
      const { status } = await somebody.call('GET', readable);
      return status === 200;
    });
  } finally {
    await somebody.close();
  }
}
