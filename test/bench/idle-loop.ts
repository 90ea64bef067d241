import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { text } from 'node:stream/consumers';
import { loopResolutionMs } from '#telemetry/process-metrics.ts';
import type { LoopDelay } from './event-loop.ts';

/** A process that does nothing but look how late it gets its turns. */
export interface IdleLoop {
  /** Ends it; answers with what it saw. */
  readonly stop: () => Promise<LoopDelay>;
}

/** Starts one: what it is held up by is the machine, and nothing of ours. */
export function startIdleLoop(): IdleLoop {
  const child = spawn(process.execPath, [import.meta.filename], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  return {
    stop: async () => {
      const said = text(child.stdout);
      child.stdin.end();
      await once(child, 'exit');
      return JSON.parse(await said) as LoopDelay;
    },
  };
}

/** Looks until its input ends. */
async function main(): Promise<void> {
  const delays = monitorEventLoopDelay({ resolution: loopResolutionMs });
  delays.enable();
  await text(process.stdin);
  // As the operator tells it, so that both figures mean the same.
  const lateMs = (nanoseconds: number) => Math.max(0, nanoseconds / 1e6 - loopResolutionMs);
  const outcome: LoopDelay = { p99Ms: lateMs(delays.percentile(99)), maxMs: lateMs(delays.max) };
  process.stdout.write(JSON.stringify(outcome));
}

if (import.meta.main) await main();
