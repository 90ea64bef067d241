import { onTestFinished } from 'vitest';
import type { Access } from '#core/access.ts';
import { buildDebugApp, type DebugPorts } from '#http/debug.ts';
import { listen } from '#http/listen.ts';
import { createLog } from '#telemetry/log.ts';
import { startInspected } from './inspected-system.ts';

/** The debug endpoint of a system with one tracked image, listening; a token is right where one is needed. */
export async function serveInspected({
  address = '127.0.0.1',
  images = ['a:1'],
  statelyUrl,
}: InspectedOptions = {}) {
  const started = startInspected(images);
  const nothing = async (): Promise<never> => {
    throw new Error('nobody asks this');
  };
  const ports: DebugPorts = {
    actors: { list: nothing, get: () => undefined, leader: () => null },
    machines: { list: () => [], get: () => undefined },
    ...{ explain: nothing, whatIf: nothing, plan: nothing, namespaceExists: nothing },
    inspection: started.inspection,
    access: async (question): Promise<Access> =>
      question.token === 'right' ? { kind: 'allowed' } : { kind: 'unknown' },
    replica: 'kuik-0',
    log: createLog({ level: 'silent', format: 'json' }),
  };
  const app = buildDebugApp(ports, { address, hosts: [], statelyUrl });
  const listener = await listen(app, { port: 0, host: '127.0.0.1' });
  onTestFinished(async () => await listener.close());
  const path = '/debug/inspect?actor=tracked-image:a:1';
  const url = `ws://127.0.0.1:${listener.port}${path}`;
  return { ...started, listener, path, url };
}

/** What differs from one endpoint to another. */
export interface InspectedOptions {
  /** Where it says that it listens; it is reached over loopback. */
  readonly address?: string;
  readonly images?: readonly string[];
  /** `--debug-stately-url`. */
  readonly statelyUrl?: string;
}
