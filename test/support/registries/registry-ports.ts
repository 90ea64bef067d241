import { once } from 'node:events';
import type { Server } from 'node:net';

/**
 * The loopback ports that registries of a test file listen at: known before any of them starts, so
 * that clients and operators can be told of all (behaviour §4: no other loopback port is asked).
 * Below those that systems give out by themselves.
 */
const portCount = 256;
const first = 20_000 + Math.floor(Math.random() * 40) * portCount;
let taken = Math.floor(Math.random() * (portCount / 2));

/** The next of them; two files that run at once may have the same, as may other programs. */
export function nextRegistryPort(): number {
  taken += 1;
  return first + (taken % portCount);
}

/** `registries` of a configuration that names all of them, `settings` where a test has its own. */
export function namedRegistries<Settings extends object>(
  settings: Readonly<Record<string, Settings>> = {},
): Readonly<Record<string, Settings | Record<string, never>>> {
  const hosts = Array.from({ length: portCount }, (_, index) => `127.0.0.1:${first + index}`);
  return { ...Object.fromEntries(hosts.map((host) => [host, {}])), ...settings };
}

/** Tries until a port is free. */
async function onFreeRegistryPort<T>(start: (port: number) => Promise<T>): Promise<T> {
  for (let tries = 1; ; tries += 1) {
    try {
      return await start(nextRegistryPort());
    } catch (error) {
      const isTaken = error instanceof Error && 'code' in error && error.code === 'EADDRINUSE';
      if (!isTaken || tries === portCount) throw error;
    }
  }
}

/** Listens at one of them. */
export async function listenAtRegistryPort(server: Server): Promise<number> {
  return await onFreeRegistryPort(async (port) => {
    server.listen(port, '127.0.0.1');
    // Rejects with the error, should that come first.
    await once(server, 'listening');
    return port;
  });
}
