import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';

/** Which core a process has to itself: what is measured, and all that measures it. */
export const cores = { measured: 0, measuring: 1 } as const;

/** Cores that there are; asked before this process is kept on one of them. */
export const coreCount = availableParallelism();

/** Whether processes can be kept on one core each here: Linux, with two of them. */
export const canPin = coreCount > 1 && spawnSync('taskset', ['--version']).status === 0;

/** The command that runs on one core, where that can be had. */
export function onCore(core: number, command: readonly string[]): readonly string[] {
  return canPin ? ['taskset', '-c', String(core), ...command] : command;
}

/** Keeps a running process, with all its threads, on one core. */
export function pin(pid: number, core: number): void {
  if (canPin) spawnSync('taskset', ['-a', '-c', '-p', String(core), String(pid)]);
}

/** Linux counts in hundredths of a second on every architecture that Node runs on. */
const microsecondsPerTick = 10_000;
/** Fields of `/proc/<pid>/stat` after the command's closing parenthesis: utime and stime. */
const userField = 11;
const systemField = 12;

/** How long a process's main thread has waited for a core so far, in µs; NaN where nobody tells. */
export function waitedMicroseconds(pid: number): number {
  try {
    const [, waitedNs] = readFileSync(`/proc/${pid}/schedstat`, 'utf8').split(' ');
    return Number(waitedNs) / 1_000;
  } catch {
    return Number.NaN;
  }
}

/** The same of children that have ended: cutime and cstime. */
const childrenUserField = 13;
const childrenSystemField = 14;

/** CPU time that a process has used so far, in µs; NaN where the kernel does not tell. */
export function cpuMicroseconds(pid: number): number {
  return readTimes(pid, userField, systemField);
}

/** CPU time of all children of this process that have ended, in µs. */
export function childrenMicroseconds(): number {
  return readTimes(process.pid, childrenUserField, childrenSystemField);
}

function readTimes(pid: number, user: number, system: number): number {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return (Number(fields[user]) + Number(fields[system])) * microsecondsPerTick;
  } catch {
    return Number.NaN;
  }
}
