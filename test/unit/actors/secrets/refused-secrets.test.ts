import { expect, test } from 'vitest';
import { makeSecretCopy } from '#actors/secrets/secret-copy.ts';
import { writeSecretCopy } from '#actors/secrets/secret-placer.ts';
import { SecretReader } from '#actors/secrets/secret-reader.ts';
import { fail } from '#core/result.ts';
import type { ApiFailure, KubeClient } from '#kube/client.ts';
import { createTestRuntime } from '#test/support/time/test-runtime.ts';

const pull = { namespace: 'team', name: 'pull' };

/** An API server that answers all calls so. */
function answering(failure: ApiFailure) {
  const asked: string[] = [];
  const call = async ({ path }: { readonly path: string }) => {
    asked.push(path);
    return fail(failure);
  };
  return { client: { call } as unknown as Pick<KubeClient, 'call'>, asked };
}

const status = (code: number, reason: string): ApiFailure => ({
  ...{ kind: 'status', code, reason },
  message: 'User "system:serviceaccount:kuik:kuik" cannot get resource "secrets"',
});

test('a Secret that no role lets us read is told without a word of our account', async () => {
  const { client } = answering(status(403, 'Forbidden'));
  const reader = new SecretReader(createTestRuntime(), client);
  expect(await reader.read(pull, AbortSignal.timeout(1_000))).toEqual({
    ...{ kind: 'unreadable', mayPass: false },
    message: 'kuik has no right to read Secrets there',
  });
});

test.each([
  ['what no role allows is asked for once in five seconds', status(403, 'Forbidden'), [1, 1, 2]],
  ['what the API server is too busy for, each time', status(429, 'TooManyRequests'), [1, 2, 3]],
])('%s', async (_, failure, counts) => {
  const { client, asked } = answering(failure);
  const runtime = createTestRuntime();
  const reader = new SecretReader(runtime, client);
  const counted: number[] = [];
  for (const passMs of [0, 4_000, 1_001]) {
    runtime.clock.advance(passMs);
    await reader.read(pull, AbortSignal.timeout(1_000));
    counted.push(asked.length);
  }
  expect(counted).toEqual(counts);
});

test('a copy that may not be placed says so, with what the API server said for whoever looks after it', async () => {
  const failure = status(403, 'Forbidden');
  const { client, asked } = answering(failure);
  const owner = { kind: 'ReplicatedImageSet', name: 'equal', uid: 'u' };
  const source = { ...pull, type: 'kubernetes.io/dockerconfigjson', data: {} };
  const copy = await makeSecretCopy(source, owner, 'other');
  const written = await writeSecretCopy(client, copy, AbortSignal.timeout(1_000));
  const why = 'could not be written: the API server does not let kuik write it there';
  const message = `Secret other/${copy.metadata.name} ${why}`;
  expect(written).toEqual(fail({ message, failure }));
  expect(asked).toHaveLength(1);
});
