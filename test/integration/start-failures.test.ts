import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { admin, adminKubeconfig } from '#test/support/api-server/plane.ts';
import { startOperator } from '#test/support/operator/operator-process.ts';
import { temporaryDirectory } from '#test/support/processes/guardian.ts';

/** A port that somebody else has. */
async function takenPort(): Promise<number> {
  const server = createServer().listen(0);
  await once(server, 'listening');
  onTestFinished(() => void server.close());
  return (server.address() as AddressInfo).port;
}

/** Not a certificate. */
function textFile(): string {
  const directory = temporaryDirectory('start');
  onTestFinished(directory.remove);
  const path = join(directory.path, 'ca.pem');
  writeFileSync(path, 'none');
  return path;
}

const failures: readonly (readonly [
  what: string,
  named: string,
  flags: () => Promise<readonly string[]>,
])[] = [
  ['a taken metrics port', '--metrics-port', async () => [`--metrics-port=${await takenPort()}`]],
  ['a taken health port', '--health-port', async () => [`--health-port=${await takenPort()}`]],
  ['a taken debug port', '--debug-port', async () => [`--debug-port=${await takenPort()}`]],
  ['a taken webhook port', '--webhook-port', async () => [`--webhook-port=${await takenPort()}`]],
  ['an address that is not here', '--debug-address', async () => ['--debug-address=192.0.2.1']],
  [
    'an authority that is not there',
    '--webhook-client-ca',
    async () => ['--webhook-client-ca=/nowhere'],
  ],
  [
    'an authority that is none',
    '--webhook-client-ca',
    async () => [`--webhook-client-ca=${textFile()}`],
  ],
  ['a configuration that is not there', '/nowhere.yaml', async () => ['--config=/nowhere.yaml']],
];

test.for(failures)(
  '%s ends the start with 1, names %s, and leaves nothing behind',
  async ([, named, flags]) => {
    const started = startOperator({ adminKubeconfig: adminKubeconfig(), flags: await flags() });
    const failure = await started.then(
      async (operator) => {
        await operator.stop();
        return new Error('it started');
      },
      (error: unknown) => error as Error,
    );
    expect(failure.message).toContain('The operator ended with code 1 before it was ready');
    expect(failure.message).toContain(named);
    const path = '/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations/kuik';
    expect(await admin().get(path)).toBeUndefined();
  },
);
