import { readFileSync } from 'node:fs';

/** Memory of another process, in bytes. */
export interface MemoryUse {
  /** Live heap right after a full garbage collection. */
  readonly heapBytes: number;
  /** Resident set, as the kernel counts it. */
  readonly rssBytes: number;
}

/** A full collection of a heap of some hundred megabytes takes under a second. */
const answerWithinMs = 30_000;

/**
 * Collects the garbage of a process that was started with `--inspect=127.0.0.1:<port>` and reads
 * what is left. Twice: what finalizers held goes with the second collection.
 */
export async function memoryAfterGarbageCollection(
  pid: number,
  inspectPort: number,
): Promise<MemoryUse> {
  const targets = (await (await fetch(`http://127.0.0.1:${inspectPort}/json/list`)).json()) as {
    readonly webSocketDebuggerUrl: string;
  }[];
  const url = targets[0]?.webSocketDebuggerUrl;
  if (url === undefined) throw new Error(`Expected an inspector at port ${inspectPort}.`);
  const socket = new WebSocket(url);
  try {
    await opened(socket);
    await ask(socket, 'HeapProfiler.collectGarbage');
    await ask(socket, 'HeapProfiler.collectGarbage');
    const { usedSize } = (await ask(socket, 'Runtime.getHeapUsage')) as { usedSize: number };
    return { heapBytes: usedSize, rssBytes: residentBytes(pid) };
  } finally {
    socket.close();
  }
}

/** Resident set of a process, in bytes. */
export function residentBytes(pid: number): number {
  const kilobytes = /^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
  return Number(kilobytes) * 1024;
}

function opened(socket: WebSocket): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  socket.addEventListener('open', () => resolve());
  socket.addEventListener('error', () => reject(new Error('The inspector refused to talk.')));
  return promise;
}

let lastId = 0;

function ask(socket: WebSocket, method: string): Promise<unknown> {
  const { promise, resolve, reject } = Promise.withResolvers<unknown>();
  lastId += 1;
  const id = lastId;
  const late = setTimeout(() => reject(new Error(`${method}: no answer.`)), answerWithinMs);
  const listen = (message: MessageEvent) => {
    const answer = JSON.parse(String(message.data)) as { id?: number; result?: unknown };
    if (answer.id !== id) return;
    clearTimeout(late);
    socket.removeEventListener('message', listen);
    resolve(answer.result);
  };
  socket.addEventListener('message', listen);
  socket.send(JSON.stringify({ id, method }));
  return promise;
}
