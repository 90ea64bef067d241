import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { buffer, text } from 'node:stream/consumers';
import { fail, type Result, succeed } from '#core/result.ts';

/** Longest complaint of a program that is passed on: its last lines say what is wrong. */
const complaintCharactersMax = 600;

/** Runs a program to its end; what it wrote, or the end of its complaint. */
export async function runCommand(
  command: string,
  args: readonly string[],
  { cwd, env }: { readonly cwd?: string; readonly env?: NodeJS.ProcessEnv } = {},
): Promise<Result<Buffer, string>> {
  const child = spawn(command, args, {
    ...(cwd !== undefined && { cwd }),
    env: env ?? process.env,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const ended = once(child, 'close').then(
    ([code]) => ({ code: code as number | null, message: '' }),
    (error: Error) => ({ code: null, message: error.message }),
  );
  const [output, complaint] = await Promise.all([buffer(child.stdout), text(child.stderr)]);
  const { code, message } = await ended;
  if (code === 0) return succeed(output);
  const words = (message || complaint.trim() || `exit code ${code}`).slice(-complaintCharactersMax);
  return fail(`${command} ${args[0] ?? ''}: ${words}`);
}
