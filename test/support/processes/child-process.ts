import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, existsSync, openSync, readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { guard } from './guardian.ts';

/** What to start. Its output goes to `logFile`, so that nothing here has to keep up with it. */
export interface ChildOptions {
  readonly name: string;
  readonly command: string;
  readonly args: readonly string[];
  readonly logFile: string;
  readonly env?: NodeJS.ProcessEnv;
  readonly cwd?: string;
}

/** How a process ended: one of the two is set. */
export interface Exit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** A process that never outlives this one, however this one ends. */
export interface Child {
  readonly name: string;
  readonly pid: number;
  /** Everything it has written so far, both streams. */
  readonly logs: () => string;
  /** Set once it has ended. */
  readonly exit: () => Exit | undefined;
  readonly exited: Promise<Exit>;
  /** Sends the signal and waits; SIGKILL when it has not ended within `graceMs`. */
  readonly stop: (signal: NodeJS.Signals, graceMs: number) => Promise<Exit>;
}

/** Lines of a log that an error message carries. */
const logLinesShown = 15;

/** Starts a process in a group of its own: Ctrl-C in a terminal reaches us, and we end it. */
export async function startChild(options: ChildOptions): Promise<Child> {
  const output = openSync(options.logFile, 'a');
  const child = spawn(options.command, options.args, {
    stdio: ['ignore', output, output],
    detached: true,
    env: options.env ?? process.env,
    ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
  });
  closeSync(output);
  const pid = child.pid;
  if (pid === undefined) {
    const [error] = (await once(child, 'error')) as [Error];
    throw new Error(`${options.name} could not be started: ${error.message}`);
  }
  const release = guard(pid);
  const exited = ended(child).finally(release);
  return {
    name: options.name,
    pid,
    logs: () => (existsSync(options.logFile) ? readFileSync(options.logFile, 'utf8') : ''),
    exit: () => exitOf(child),
    exited,
    stop: async (signal, graceMs) => {
      child.kill(signal);
      const timer = setTimeout(() => child.kill('SIGKILL'), graceMs);
      const exit = await exited;
      clearTimeout(timer);
      return exit;
    },
  };
}

/** The last lines of a process's log, indented, for an error message. */
export function lastLines(child: Child): string {
  const lines = child.logs().trimEnd().split('\n').slice(-logLinesShown);
  return lines.map((line) => `    ${line}`).join('\n');
}

/** Ports that were free a moment ago, all different. Who binds one may still lose a race: retry. */
export async function freePorts(count: number): Promise<number[]> {
  const servers = Array.from({ length: count }, () => createServer());
  for (const server of servers) {
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
  }
  const ports = servers.map((server) => {
    const address = server.address();
    if (address === null || typeof address === 'string') throw new Error('Expected a TCP address.');
    return address.port;
  });
  for (const server of servers) {
    server.close();
    await once(server, 'close');
  }
  return ports;
}

async function ended(child: ChildProcess): Promise<Exit> {
  const [code, signal] = (await once(child, 'exit')) as [number | null, NodeJS.Signals | null];
  return { code, signal };
}

function exitOf(child: ChildProcess): Exit | undefined {
  if (child.exitCode === null && child.signalCode === null) return undefined;
  return { code: child.exitCode, signal: child.signalCode };
}
