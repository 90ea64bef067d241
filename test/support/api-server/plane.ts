import { inject, onTestFinished } from 'vitest';
import { type Api, openApi } from './api.ts';
import { createNamespace, removeNamespace } from './namespace.ts';

declare module 'vitest' {
  export interface ProvidedContext {
    /** Paths of the admin kubeconfigs of the run's control planes, one a worker. */
    adminKubeconfigs: readonly string[];
  }
}

/** Path of a kubeconfig with every right on this worker's control plane (no project but `fast` lacks it). */
export function adminKubeconfig(): string {
  const planes = inject('adminKubeconfigs');
  const worker = Number(process.env['VITEST_POOL_ID']) - 1;
  const path = planes[worker % planes.length];
  if (path === undefined)
    throw new Error(`expected a control plane for worker ${worker}, got none`);
  return path;
}

let opened: Api | undefined;

/** The worker's control plane as its admin; one connection pool a worker. */
export function admin(): Api {
  opened ??= openApi(adminKubeconfig());
  return opened;
}

/** A namespace of its own for the running test, removed when it is over. */
export async function freshNamespace(prefix = 't'): Promise<string> {
  const name = await createNamespace(admin(), prefix);
  onTestFinished(() => removeNamespace(admin(), name));
  return name;
}
