import { existsSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';

/**
 * The other ends of a process's TCP sockets over IPv4 as the kernel has them, `127.0.0.1:443`; those
 * that are still being connected too. Listening sockets have none.
 */
export function connectedTo(pid: number): readonly string[] {
  const inodes = new Set(openSockets(pid));
  const [, ...lines] = readFileSync(`/proc/${pid}/net/tcp`, 'utf8').trim().split('\n');
  return lines.flatMap((line) => {
    const fields = line.trim().split(/\s+/);
    const [address = '', port = ''] = (fields[remoteField] ?? '').split(':');
    const isOurs = inodes.has(fields[inodeField] ?? '');
    return isOurs && port !== '0000'
      ? [`${readAddress(address)}:${Number.parseInt(port, 16)}`]
      : [];
  });
}

/** Which of some processes has the end of a TCP connection that is at this local port. */
export function ownerOfPort(pids: readonly number[], port: number): number | undefined {
  const hex = port.toString(16).toUpperCase().padStart(4, '0');
  const lines = readFileSync('/proc/self/net/tcp', 'utf8').trim().split('\n');
  const fields = lines.map((line) => line.trim().split(/\s+/));
  const inode = fields.find((each) => each[localField]?.endsWith(`:${hex}`))?.[inodeField];
  return pids.find((pid) => inode !== undefined && openSockets(pid).includes(inode));
}

/** Columns of `/proc/net/tcp`. */
const localField = 1;
const remoteField = 2;
const inodeField = 9;

/** Four bytes in hex, the last one first. */
function readAddress(hex: string): string {
  return (hex.match(/../g) ?? [])
    .toReversed()
    .map((byte) => Number.parseInt(byte, 16))
    .join('.');
}

/** Inodes of all sockets that a process has open now. */
function openSockets(pid: number): readonly string[] {
  const directory = `/proc/${pid}/fd`;
  if (!existsSync(directory)) return [];
  return readdirSync(directory).flatMap((name) => readSocket(`${directory}/${name}`) ?? []);
}

/** One that was closed since the listing is none. */
function readSocket(path: string): string | undefined {
  try {
    return /^socket:\[(\d+)\]$/.exec(readlinkSync(path))?.[1];
  } catch {
    return undefined;
  }
}

/** The value of one sample of `/metrics`, such as `nodejs_active_resources{type="Timeout"}`. */
export async function metricAt(metricsUrl: string, sample: string): Promise<number> {
  const text = await (await fetch(`${metricsUrl}/metrics`)).text();
  const line = text.split('\n').find((each) => each.startsWith(`${sample} `));
  return line === undefined ? 0 : Number(line.slice(sample.length + 1));
}
