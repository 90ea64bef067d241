import { randomBytes } from 'node:crypto';
import { untilReady } from '#test/support/time/eventually.ts';
import type { Api } from './api.ts';

/** A namespace that was not there before, ready for Pods; its name starts with `prefix`. */
export async function createNamespace(admin: Api, prefix = 't'): Promise<string> {
  const name = `${prefix}-${randomBytes(4).toString('hex')}`;
  const metadata = { name };
  await admin.create('/api/v1/namespaces', { apiVersion: 'v1', kind: 'Namespace', metadata });
  // A Pod is refused until its service account is there.
  await untilReady(`${name} has its default service account`, () =>
    admin.get(`/api/v1/namespaces/${name}/serviceaccounts/default`),
  );
  return name;
}

/** Starts its deletion; the namespace controller finishes it a few seconds later. */
export async function removeNamespace(admin: Api, name: string): Promise<void> {
  await admin.remove(`/api/v1/namespaces/${name}`);
}
