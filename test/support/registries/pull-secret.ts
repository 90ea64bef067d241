import { admin } from '#test/support/api-server/plane.ts';

/** The type of a Secret that opens registries. */
export const pullSecretType = 'kubernetes.io/dockerconfigjson';

/** Stores a pull secret with this as its docker config, broken or not. */
export async function storePullSecret(
  { namespace, name }: { readonly namespace: string; readonly name: string },
  config: object | string,
): Promise<void> {
  await admin().create(`/api/v1/namespaces/${namespace}/secrets`, {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { name, namespace },
    type: pullSecretType,
    stringData: {
      '.dockerconfigjson': typeof config === 'string' ? config : JSON.stringify(config),
    },
  });
}
