import { readFileSync } from 'node:fs';
import { openInspector } from './inspector.ts';

/** Memory of another process, in bytes. */
export interface MemoryUse {
  /** Live heap right after a full garbage collection. */
  readonly heapBytes: number;
  /** Resident set, as the kernel counts it. */
  readonly rssBytes: number;
}

/**
 * Collects the garbage of a process that was started with `--inspect=127.0.0.1:<port>` and reads
 * what is left.
 */
export async function memoryAfterGarbageCollection(
  pid: number,
  inspectPort: number,
): Promise<MemoryUse> {
  const inspector = await openInspector(inspectPort);
  try {
    await inspector.collectGarbage();
    return { heapBytes: await inspector.heapBytes(), rssBytes: residentBytes(pid) };
  } finally {
    inspector.close();
  }
}

/** Resident set of a process, in bytes. */
export function residentBytes(pid: number): number {
  return statusBytes(pid, 'VmRSS');
}

/** The largest resident set that a process has had so far, in bytes. */
export function residentBytesMax(pid: number): number {
  return statusBytes(pid, 'VmHWM');
}

function statusBytes(pid: number, field: string): number {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  const kilobytes = new RegExp(`^${field}:\\s+(\\d+) kB`, 'm').exec(status)?.[1];
  return Number(kilobytes) * 1024;
}
