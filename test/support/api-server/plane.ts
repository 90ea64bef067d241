import { inject, onTestFinished } from 'vitest';
import { type Api, openApi } from './api.ts';
import { createNamespace, removeNamespace } from './namespace.ts';

declare module 'vitest' {
  export interface ProvidedContext {
    /** Path of the admin kubeconfig of the run's control plane. */
    adminKubeconfig: string;
  }
}

/** Path of a kubeconfig with every right on this run's control plane (project `real` only). */
export function adminKubeconfig(): string {
  return inject('adminKubeconfig');
}

let opened: Api | undefined;

/** The run's control plane as its admin; one connection pool a worker. */
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
