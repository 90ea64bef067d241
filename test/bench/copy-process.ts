import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { createInterface } from 'node:readline';
import { residentBytes, residentBytesMax } from '#test/support/processes/heap.ts';
import { type Copier, createBenchCopier } from './copy-adapter.ts';
import type { LoopDelay } from './event-loop.ts';

/** Full names of an image here and there. */
export interface CopyPair {
  readonly source: string;
  readonly target: string;
}

/** What copying came to. */
export interface CopyFigures {
  readonly ms: number;
  readonly cpuUs: number;
  /** The most memory that it had meanwhile. */
  readonly rssBytes: number;
}

/** One line to the process. */
export interface CopyOrder {
  readonly pairs: readonly CopyPair[];
  readonly atOnce: number;
}

/** One line back. */
export type CopyReport = CopyFigures & {
  /** Memory before it began. */
  readonly idleBytes: number;
  /** How late turns of its event loop came. */
  readonly loop: LoopDelay;
  readonly failures: readonly string[];
};

/** As the idle process beside it looks. */
const resolutionMs = 10;

/** Copies as told by lines on its input; its first line says that it is there. */
async function main(): Promise<void> {
  const [authorityFile = '', ...hosts] = process.argv.slice(2);
  const copier = createBenchCopier(authorityFile, hosts);
  const lines = createInterface({ input: process.stdin });
  lines.on('line', (line) => {
    void carryOut(copier, JSON.parse(line) as CopyOrder).then((report) =>
      process.stdout.write(`${JSON.stringify(report)}\n`),
    );
  });
  process.stdout.write('{}\n');
  await once(lines, 'close');
  await copier.close();
}

async function carryOut(copier: Copier, { pairs, atOnce }: CopyOrder): Promise<CopyReport> {
  // Forgets the most that there was so far.
  writeFileSync('/proc/self/clear_refs', '5');
  const idleBytes = residentBytes(process.pid);
  const waiting = [...pairs];
  const failures: string[] = [];
  const delays = monitorEventLoopDelay({ resolution: resolutionMs });
  delays.enable();
  const startedMs = performance.now();
  const cpu = process.cpuUsage();
  const work = async (): Promise<void> => {
    for (let pair = waiting.shift(); pair !== undefined; pair = waiting.shift()) {
      const failure = await copier.copy(pair);
      if (failure !== undefined) failures.push(failure);
    }
  };
  await Promise.all(Array.from({ length: atOnce }, work));
  const ms = performance.now() - startedMs;
  const { user, system } = process.cpuUsage(cpu);
  delays.disable();
  const loop = { p99Ms: delays.percentile(99) / 1e6, maxMs: delays.max / 1e6 };
  const rssBytes = residentBytesMax(process.pid);
  return { ms, cpuUs: user + system, rssBytes, idleBytes, loop, failures };
}

if (import.meta.main) await main();
