import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { guard } from '#test/support/processes/guardian.ts';
import type { BareWebhookPlan } from './bare-webhook.ts';
import { cores, onCore, pin } from './cores.ts';
import type { LoadOutcome, LoadPlan } from './review-load.ts';

/** A webhook that does nothing, in a process of its own on the measured core. */
export interface BareWebhook {
  readonly url: string;
  readonly pid: number;
  readonly stop: () => Promise<void>;
}

const script = (name: string) => join(import.meta.dirname, name);

/** Sends reviews from another process, on another core than the one that is measured. */
export async function sendReviews(plan: LoadPlan): Promise<LoadOutcome> {
  const [command = '', ...args] = onCore(cores.measuring, [
    process.execPath,
    script('review-load.ts'),
  ]);
  const child = spawn(command, args, { stdio: ['pipe', 'pipe', 'inherit'], detached: true });
  const release = guard(child.pid ?? 0);
  const exited = once(child, 'exit').finally(release);
  child.stdin.end(JSON.stringify(plan));
  const output = await text(child.stdout);
  await exited;
  if (output === '') throw new Error('The client process ended without a result.');
  return JSON.parse(output) as LoadOutcome;
}

/** Starts the bare webhook. */
export async function startBareWebhook(plan: BareWebhookPlan): Promise<BareWebhook> {
  const child = spawn(process.execPath, [script('bare-webhook.ts')], {
    stdio: ['pipe', 'pipe', 'inherit'],
    detached: true,
  });
  const pid = child.pid ?? 0;
  const release = guard(pid);
  const exited = once(child, 'exit').finally(release);
  child.stdin.end(JSON.stringify(plan));
  const [line] = (await once(child.stdout, 'data')) as [Buffer];
  pin(pid, cores.measured);
  return {
    url: `https://127.0.0.1:${Number(line.toString())}`,
    pid,
    stop: async () => {
      child.kill('SIGKILL');
      await exited;
    },
  };
}
