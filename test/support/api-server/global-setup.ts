import type { TestProject } from 'vitest/node';
import { type ControlPlane, startControlPlane } from './control-plane.ts';
import './plane.ts';

let planes: readonly ControlPlane[] = [];

/**
 * One control plane a worker, since resources of the whole cluster that one file makes would be
 * seen by the operator of another. `KUIK_TEST_KUBECONFIG` names the admin kubeconfig of one that
 * runs already: a test that runs other tests hands its own on.
 */
export async function setup(project: TestProject): Promise<void> {
  const running = process.env['KUIK_TEST_KUBECONFIG'];
  if (running === undefined) {
    const workers = Array.from({ length: project.config.maxWorkers });
    planes = await Promise.all(workers.map(() => startControlPlane()));
  }
  const kubeconfigs = planes.map(({ adminKubeconfig }) => adminKubeconfig);
  project.provide('adminKubeconfigs', running === undefined ? kubeconfigs : [running]);
}

/** Leaves nothing behind. */
export async function teardown(): Promise<void> {
  await Promise.all(planes.map((plane) => plane.stop()));
}
