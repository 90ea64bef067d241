import { onTestFinished } from 'vitest';
import { createKubeClient, type KubeClient } from '#kube/client.ts';
import { loadKubeConfig } from '#kube/kube-config.ts';
import { adminKubeconfig } from './plane.ts';

/** The operator's own client with every right on this run's control plane; closed with the test. */
export async function adminClient(): Promise<KubeClient> {
  const access = await loadKubeConfig({ kubeconfig: adminKubeconfig(), environment: {} });
  if (!access.ok) throw new Error(access.error.message);
  const client = createKubeClient({ access: access.value });
  onTestFinished(() => client.close());
  return client;
}
