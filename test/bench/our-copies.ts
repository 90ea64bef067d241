import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { shippedNodeFlags } from '#test/support/operator/shipped-node.ts';
import { guard } from '#test/support/processes/guardian.ts';
import type { CopyOrder, CopyReport } from './copy-process.ts';

/** Our copier in a process of its own, with the flags that it is shipped with. */
export interface OurCopies {
  readonly copy: (order: CopyOrder) => Promise<CopyReport>;
  readonly stop: () => Promise<void>;
}

/** Starts it; nothing has been copied yet. `KUIK_BENCH_NODE_FLAGS` adds flags, such as a profiler's. */
export async function startOurCopies(
  authorityFile: string,
  hosts: readonly string[],
): Promise<OurCopies> {
  const added = process.env['KUIK_BENCH_NODE_FLAGS']?.split(' ') ?? [];
  const script = join(import.meta.dirname, 'copy-process.ts');
  const args = [...shippedNodeFlags(), ...added, script, authorityFile, ...hosts];
  const child = spawn(process.execPath, args, {
    stdio: ['pipe', 'pipe', 'inherit'],
    detached: true,
  });
  const release = guard(child.pid ?? 0);
  const exited = once(child, 'exit').finally(release);
  const lines = createInterface({ input: child.stdout });
  const nextLine = async (): Promise<string> => {
    const said = once(lines, 'line').then(([line]) => String(line));
    const ended = exited.then(([code]): never => {
      throw new Error(`The copying process ended with ${code}.`);
    });
    return await Promise.race([said, ended]);
  };
  await nextLine();
  return {
    copy: async (order) => {
      child.stdin.write(`${JSON.stringify(order)}\n`);
      const report = JSON.parse(await nextLine()) as CopyReport;
      if (report.failures.length > 0) throw new Error(report.failures.join('\n'));
      return report;
    },
    stop: async () => {
      child.stdin.end();
      await exited;
    },
  };
}
