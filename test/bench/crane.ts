import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { text } from 'node:stream/consumers';
import { findBinary } from '#test/support/binaries/binaries.ts';
import { guard } from '#test/support/processes/guardian.ts';
import { residentBytesMax } from '#test/support/processes/heap.ts';
import type { CopyFigures, CopyPair } from './copy-process.ts';
import { childrenMicroseconds } from './cores.ts';

/** How often a process that lives for a second is looked at. */
const lookEveryMs = 20;

/** Copies images with `crane copy`, a process each, so many at once. */
export async function copyWithCrane(
  pairs: readonly CopyPair[],
  { authorityFile, atOnce }: { readonly authorityFile: string; readonly atOnce: number },
): Promise<CopyFigures> {
  const command = await findBinary('crane');
  const waiting = [...pairs];
  let rssBytes = 0;
  const cpuUs = childrenMicroseconds();
  const startedMs = performance.now();
  const work = async (): Promise<void> => {
    for (let pair = waiting.shift(); pair !== undefined; pair = waiting.shift()) {
      const args = ['copy', pair.source, pair.target];
      rssBytes = Math.max(rssBytes, await runCrane(command, args, authorityFile));
    }
  };
  await Promise.all(Array.from({ length: atOnce }, work));
  return { ms: performance.now() - startedMs, cpuUs: childrenMicroseconds() - cpuUs, rssBytes };
}

/** Answers with the most memory that it had. */
async function runCrane(
  command: string,
  args: readonly string[],
  authorityFile: string,
): Promise<number> {
  const child = spawn(command, args, {
    env: { ...process.env, SSL_CERT_FILE: authorityFile },
    stdio: ['ignore', 'ignore', 'pipe'],
    detached: true,
  });
  const pid = child.pid ?? 0;
  const release = guard(pid);
  let rssBytes = 0;
  // Of a process that has ended nothing is told any more.
  const look = (): void => {
    rssBytes = Math.max(
      rssBytes,
      existsSync(`/proc/${pid}/status`) ? residentBytesMax(pid) || 0 : 0,
    );
  };
  const looking = setInterval(look, lookEveryMs);
  const said = text(child.stderr);
  const [code] = (await once(child, 'exit')) as [number | null];
  clearInterval(looking);
  release();
  if (code !== 0) throw new Error(`crane ended with ${code}: ${await said}`);
  return rssBytes;
}
