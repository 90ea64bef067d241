import { startControlPlane } from '#test/support/api-server/control-plane.ts';
import { createManyPods } from '#test/support/api-server/many-pods.ts';
import { createNamespace } from '#test/support/api-server/namespace.ts';
import { startOperator } from '#test/support/operator/operator-process.ts';
import { freePorts } from '#test/support/processes/child-process.ts';
import { memoryAfterGarbageCollection } from '#test/support/processes/heap.ts';
import { table } from './table.ts';

const steps = [0, 1_000, 10_000] as const;
const imagesAtMost = 2_000;
const megabyte = 1024 * 1024;

/** Memory of the shipped process over the number of Pods watched: what it costs, and how it grows. */
export async function run(): Promise<void> {
  const plane = await startControlPlane();
  try {
    const [inspectPort = 0] = await freePorts(1);
    const rows: string[][] = [];
    let there = 0;
    for (const pods of steps) {
      const namespace = await createNamespace(plane.admin, 'memory');
      await createManyPods(plane.admin, { namespace, pods: pods - there, images: imagesAtMost });
      there = pods;
      const operator = await startOperator({
        adminKubeconfig: plane.adminKubeconfig,
        env: { NODE_OPTIONS: `--inspect=127.0.0.1:${inspectPort}` },
      });
      const use = await memoryAfterGarbageCollection(operator.pid, inspectPort);
      await operator.stop();
      rows.push([
        String(pods),
        String(Math.min(pods, imagesAtMost)),
        (use.heapBytes / megabyte).toFixed(0),
        (use.rssBytes / megabyte).toFixed(0),
      ]);
    }
    console.log(table(['Pods', 'images', 'heap after GC, MB', 'RSS, MB'], rows));
  } finally {
    await plane.stop();
  }
}
