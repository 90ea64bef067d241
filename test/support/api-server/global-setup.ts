import type { TestProject } from 'vitest/node';
import { type ControlPlane, startControlPlane } from './control-plane.ts';
import './plane.ts';

let plane: ControlPlane | undefined;

/**
 * One control plane for the whole run. `KUIK_TEST_KUBECONFIG` names the admin kubeconfig of one
 * that runs already: a test that runs other tests hands its own on.
 */
export async function setup(project: TestProject): Promise<void> {
  const running = process.env['KUIK_TEST_KUBECONFIG'];
  if (running === undefined) plane = await startControlPlane();
  project.provide('adminKubeconfig', running ?? plane?.adminKubeconfig ?? '');
}

/** Leaves nothing behind. */
export async function teardown(): Promise<void> {
  await plane?.stop();
}
