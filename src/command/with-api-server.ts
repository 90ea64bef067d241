import { Option } from 'commander';
import type { KubeClient } from '#kube/client.ts';

/** `--kubeconfig`, as `kuik operator` has it. */
export function kubeconfigOption(): Option {
  return new Option(
    '--kubeconfig <file>',
    'how to reach the API server (default: as kubectl; in a Pod its service account)',
  ).env('KUIK_KUBECONFIG');
}

/** The API server that a command talks to, and the namespace of its context. */
export interface OpenApiServer {
  readonly client: KubeClient;
  readonly namespace: string;
}

/**
 * Talks to the API server; where none is configured it says so and the command ends with 1. What it
 * takes is loaded now: `--help` needs none of it.
 */
export async function withApiServer(
  kubeconfig: string | undefined,
  work: (server: OpenApiServer) => Promise<void>,
): Promise<void> {
  const [{ createKubeClient }, { loadKubeConfig }, { loadEnvironment }] = await Promise.all([
    import('#kube/client.ts'),
    import('#kube/kube-config.ts'),
    import('#config/environment.ts'),
  ]);
  const { kubernetes: environment } = loadEnvironment(process.env);
  const given = kubeconfig !== undefined && { kubeconfig };
  const access = await loadKubeConfig({ ...given, environment });
  if (!access.ok) {
    process.stderr.write(`${access.error.message}\n`);
    process.exitCode = 1;
    return;
  }
  const client = createKubeClient({ access: access.value });
  try {
    await work({ client, namespace: access.value.namespace });
  } finally {
    await client.close();
  }
}
