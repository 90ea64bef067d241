import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { findBinary } from '#test/support/binaries/binaries.ts';
import { type Child, lastLines, startChild } from '#test/support/processes/child-process.ts';
import { temporaryDirectory } from '#test/support/processes/guardian.ts';
import { untilReady } from '#test/support/time/eventually.ts';
import { nextRegistryPort } from './registry-ports.ts';
import { type RegistryAddress, registryRequest } from './registry-request.ts';
import type { ServerCertificate } from './tls.ts';

/** How a test registry is set up. */
export interface RegistryOptions {
  /** Serves TLS with it; without, plain HTTP. */
  readonly tls?: ServerCertificate & { readonly authorityPem: string };
  /** Users of its htpasswd file, all with `registryPassword`; without, it is open. */
  readonly users?: readonly string[];
  readonly port?: number;
  /** For measuring: it counts what it is asked for (`/-/counts`), and holds up each request so long. */
  readonly measuring?: { readonly delayMs: number };
}

/** A real registry process on loopback, whose images live in a directory of its own. */
export interface TestRegistry extends RegistryAddress {
  readonly port: number;
  readonly pid: () => number | undefined;
  /** Ends the process; the images and the port stay for `start`. */
  readonly stop: () => Promise<void>;
  /** Starts it again at the same address with the same images. */
  readonly start: () => Promise<void>;
  /** Ends the process and removes everything. */
  readonly remove: () => Promise<void>;
}

/** bcrypt of `registryPassword` at the lowest cost: Node cannot make one, and the registry takes no other hash. */
const passwordHash = '$2b$04$2W/ejr8YyI2nx5QERYMkDeaaRjmcHQ77XqrSMYpPdnFjOlKyAA6fy';
/** Ports are only free a moment ago: another process may take one before the registry does. */
const startsMax = 3;
const stopGraceMs = 3_000;

/** Starts a registry and waits until it answers. */
export async function startRegistry(options: RegistryOptions = {}): Promise<TestRegistry> {
  const { measuring } = options;
  const command = await findBinary(measuring === undefined ? 'registry' : 'bench-registry');
  const directory = temporaryDirectory('registry');
  const { address, process } = await startSomewhere(
    { command, directory: directory.path },
    options,
  );
  let child: Child | undefined = process;
  const stop = async (): Promise<void> => {
    await child?.stop('SIGTERM', stopGraceMs);
    child = undefined;
  };
  return {
    ...address,
    pid: () => child?.pid,
    stop,
    start: async () => {
      child ??= await startAt({ command, directory: directory.path }, address, options);
    },
    remove: async () => {
      await stop();
      directory.remove();
    },
  };
}

interface Place {
  readonly command: string;
  readonly directory: string;
}
type Address = RegistryAddress & { readonly port: number };

async function startSomewhere(
  place: Place,
  options: RegistryOptions,
): Promise<{ readonly address: Address; readonly process: Child }> {
  for (let started = 1; ; started += 1) {
    const address = addressOf(options.port ?? nextRegistryPort(), options);
    try {
      return { address, process: await startAt(place, address, options) };
    } catch (error) {
      if (started === startsMax || options.port !== undefined) throw error;
    }
  }
}

function addressOf(port: number, { tls, users }: RegistryOptions): Address {
  const [username] = users ?? [];
  return {
    port,
    host: `127.0.0.1:${port}`,
    url: `${tls === undefined ? 'http' : 'https'}://127.0.0.1:${port}`,
    ...(tls !== undefined && { authorityPem: tls.authorityPem }),
    ...(username !== undefined && { username }),
  };
}

async function startAt(place: Place, address: Address, options: RegistryOptions): Promise<Child> {
  const child = await startChild({
    name: `registry ${address.host}`,
    command: place.command,
    args: ['serve', writeConfiguration(place.directory, address, options)],
    logFile: join(place.directory, 'log'),
    env: {
      PATH: process.env['PATH'],
      OTEL_TRACES_EXPORTER: 'none',
      BENCH_REQUEST_DELAY: `${options.measuring?.delayMs ?? 0}ms`,
    },
  });
  try {
    await untilReady(`${address.host} answers`, async () => {
      if (child.exit() !== undefined) throw new Error('The process has ended.');
      return (await registryRequest(address, { path: '/v2/' })).status === 200;
    });
    return child;
  } catch (error) {
    const log = lastLines(child);
    await child.stop('SIGKILL', stopGraceMs);
    throw new Error(`The registry did not start:\n${log}`, { cause: error });
  }
}

/** JSON is YAML, as the registry's configuration has to be. */
function writeConfiguration(directory: string, address: Address, options: RegistryOptions): string {
  const write = (name: string, text: string): string => {
    const path = join(directory, name);
    writeFileSync(path, text, { mode: 0o600 });
    return path;
  };
  const { tls, users } = options;
  const htpasswd = users?.map((user) => `${user}:${passwordHash}\n`).join('');
  const configuration = {
    version: 0.1,
    log: { level: 'warn', accesslog: { disabled: true } },
    storage: {
      filesystem: { rootdirectory: join(directory, 'images') },
      delete: { enabled: true },
    },
    // Layers that lie elsewhere; the registry takes none that name a place unless told which.
    validation: { manifests: { urls: { allow: ['^https://example\\.com/'] } } },
    http: {
      addr: address.host,
      ...(tls !== undefined && {
        tls: {
          certificate: write('tls.crt', tls.certificatePem),
          key: write('tls.key', tls.keyPem),
        },
      }),
    },
    ...(htpasswd !== undefined && {
      auth: { htpasswd: { realm: 'kuik tests', path: write('htpasswd', htpasswd) } },
    }),
  };
  return write('config.yml', JSON.stringify(configuration));
}
