import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { stringify } from 'yaml';
import { kubeconfigFor } from '#test/support/api-server/api.ts';
import { inPod, type PodCommand, type PodIdentity } from '#test/support/api-server/in-pod.ts';
import { namedRegistries } from '#test/support/registries/registry-ports.ts';
import { inImage } from './in-image.ts';
import type { OperatorOptions } from './operator-process.ts';
import { entryPoint, shippedNodeFlags } from './shipped-node.ts';

/** Where one operator runs, and as whom. */
export interface Site {
  readonly release: string;
  readonly namespace: string;
  readonly webhookUrl: string;
  readonly identity: PodIdentity;
  readonly ports: { webhook: number; metrics: number; health: number; debug: number };
}

/** Where the chart mounts the configuration. */
const mountedConfig = '/etc/kube-image-keeper/config.yaml';

/** What is started, and with what: from the sources, in a Pod of its own, or from an image. */
export function commandOf(site: Site, directory: string, options: OperatorOptions): PodCommand {
  const configuration = stringify(configurationOf(options));
  const flags = [...flagsOf(site), ...(options.flags ?? [])];
  if (options.image !== undefined) {
    const files = { [mountedConfig]: configuration };
    const args = ['operator', `--config=${mountedConfig}`, ...flags];
    return inImage(options.image, args, { identity: site.identity, files });
  }
  const config = join(directory, 'config.yaml');
  writeFileSync(config, configuration);
  const command = process.execPath;
  const start = [
    ...shippedNodeFlags(),
    options.entry ?? entryPoint,
    'operator',
    `--config=${config}`,
  ];
  if (options.inPod === true) {
    const { mounts = '' } = options;
    const pod = inPod({ command, args: [...start, ...flags], mounts }, site.identity, directory);
    return { ...pod, env: { ...environment(), ...pod.env } };
  }
  const kubeconfig = join(directory, 'kubeconfig');
  writeFileSync(kubeconfig, kubeconfigFor(site.identity, site.namespace), { mode: 0o600 });
  const args = [...start, `--kubeconfig=${kubeconfig}`, ...flags];
  return { command, args, env: environment() };
}

function flagsOf(site: Site): string[] {
  return [
    `--namespace=${site.namespace}`,
    `--webhook-configuration=${site.release}`,
    `--webhook-url=${site.webhookUrl}`,
    `--webhook-port=${site.ports.webhook}`,
    `--metrics-port=${site.ports.metrics}`,
    `--health-port=${site.ports.health}`,
    `--debug-port=${site.ports.debug}`,
    '--log-format=json',
    '--log-level=debug',
  ];
}

/** Ours without what vitest and a developer's shell put there for something else. */
function environment(): Readonly<Record<string, string>> {
  const foreign = /^(KUIK_|VITEST|NODE_OPTIONS$|NODE_V8_COVERAGE$|KUBECONFIG$)/;
  const all = Object.entries(process.env).map(([name, value = '']) => [name, value] as const);
  return Object.fromEntries(all.filter(([name]) => !foreign.test(name)));
}

/** All registries of the tests are on loopback, which is asked only where it is named. */
function configurationOf({ config = {} }: OperatorOptions): object {
  const { registries } = config as { registries?: Record<string, object> };
  return { ...config, registries: namedRegistries(registries) };
}
