import { randomBytes } from 'node:crypto';
import { keepObjects } from '#test/support/operator/said-by-operator.ts';
import type { Api } from './api.ts';

/** A namespace that was not there before, ready for Pods; its name starts with `prefix`. */
export async function createNamespace(admin: Api, prefix = 't'): Promise<string> {
  const name = `${prefix}-${randomBytes(4).toString('hex')}`;
  const metadata = { name };
  await admin.create('/api/v1/namespaces', { apiVersion: 'v1', kind: 'Namespace', metadata });
  // A Pod is refused until its service account is there; not every plane has somebody to make it.
  await admin.apply(`/api/v1/namespaces/${name}/serviceaccounts/default`, {
    apiVersion: 'v1',
    kind: 'ServiceAccount',
    metadata: { name: 'default', namespace: name },
  });
  return name;
}

/** Starts its deletion; the namespace controller finishes it a few seconds later. */
export async function removeNamespace(admin: Api, name: string): Promise<void> {
  await keepObjects(admin, name);
  await admin.remove(`/api/v1/namespaces/${name}`);
}
