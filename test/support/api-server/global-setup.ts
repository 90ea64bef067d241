import type { TestProject } from 'vitest/node';
import { type TemporaryDirectory, temporaryDirectory } from '#test/support/processes/guardian.ts';
import { beginKeeping, findLeaks } from '#test/support/runner/kept-secrets.ts';
import { type ControlPlane, startControlPlane } from './control-plane.ts';
import './plane.ts';

let planes: readonly ControlPlane[] = [];
let kept: TemporaryDirectory | undefined;

/**
 * One control plane a worker, since resources of the whole cluster that one file makes would be
 * seen by the operator of another. `KUIK_TEST_KUBECONFIG` names the admin kubeconfig of one that
 * runs already: a test that runs other tests hands its own on.
 */
export async function setup(project: TestProject): Promise<void> {
  const directory = temporaryDirectory('kept');
  if (beginKeeping(directory.path) === undefined) directory.remove();
  else kept = directory;
  const running = process.env['KUIK_TEST_KUBECONFIG'];
  if (running === undefined) {
    const workers = Array.from({ length: project.config.maxWorkers });
    planes = await Promise.all(workers.map(() => startControlPlane()));
  }
  const kubeconfigs = planes.map(({ adminKubeconfig }) => adminKubeconfig);
  project.provide('adminKubeconfigs', running === undefined ? kubeconfigs : [running]);
}

/** Leaves nothing behind; a secret that somebody has said fails the run. */
export async function teardown(): Promise<void> {
  await Promise.all(planes.map((plane) => plane.stop()));
  if (kept === undefined) return;
  const { secrets, saidFiles, leaks } = findLeaks(kept.path);
  kept.remove();
  process.stdout.write(
    `${secrets} secrets were looked for in ${saidFiles} files of what was said.\n`,
  );
  if (leaks.length > 0) throw new Error(`Secrets were said:\n${leaks.join('\n')}`);
}
