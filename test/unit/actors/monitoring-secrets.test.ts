import { expect, test } from 'vitest';
import { createSecretReader } from '#actors/secrets.ts';
import { fail, type Result, succeed } from '#core/result.ts';
import type { ApiFailure } from '#kube/failures.ts';
import { answered, startMonitoring } from '#test/support/monitoring-stage.ts';
import { createSimulatedWakeHeap } from '#test/support/simulated-wake.ts';

/** One private image with one Secret, read by a reader that remembers it for ever. */
async function lead() {
  let answer: Result<object, ApiFailure> = secretOf('alice');
  const secrets = createSecretReader({
    client: { call: async <T>() => answer as Result<T, ApiFailure> },
    wake: createSimulatedWakeHeap(),
    onBug: (error) => {
      throw error;
    },
  });
  const stage = startMonitoring({ secrets });
  stage.run('a', 'quay.io/team/a:1', { pullSecrets: ['pull'] });
  stage.declare('all', { imageFilter: { include: ['.*'] } });
  await stage.lead();
  await stage.pass(1_000);
  return {
    ...stage,
    users: () => stage.sent.map(({ credentials }) => credentials.map(({ username }) => username)),
    store: (next: typeof answer) => {
      answer = next;
    },
  };
}

function secretOf(username: string): Result<object, ApiFailure> {
  const config = JSON.stringify({ auths: { 'quay.io': { username, password: 'secret' } } });
  const data = { '.dockerconfigjson': Buffer.from(config).toString('base64') };
  return succeed({ type: 'kubernetes.io/dockerconfigjson', data });
}

test('a Secret that was rotated is used at the next check, whoever read it a moment ago', async () => {
  const stage = await lead();
  stage.store(secretOf('bob'));
  await stage.pass(10_000);
  expect(stage.users()).toEqual([['alice'], ['bob']]);
});

test('an API server that does not give a Secret away turns no private image unavailable', async () => {
  const stage = await lead();
  expect(stage.tracked('all')).toMatchObject([{ status: 'Available' }]);
  stage.answerWith(({ credentials }) =>
    answered(
      credentials.length > 0
        ? { kind: 'Available' }
        : { kind: 'InvalidAuth', message: 'who are you' },
    ),
  );
  const trouble = { kind: 'connection', message: 'refused' } as const;
  const throttled = { kind: 'status', code: 429, reason: '', message: 'too many' } as const;
  for (const failure of [trouble, throttled]) {
    stage.store(fail(failure));
    await stage.pass(10_000);
    expect(stage.users().at(-1)).toEqual([]);
    expect(stage.tracked('all')).toMatchObject([{ status: 'Available' }]);
  }
  stage.store(fail({ kind: 'status', code: 404, reason: 'NotFound', message: 'none' }));
  await stage.pass(10_000);
  expect(stage.tracked('all')).toMatchObject([{ status: 'UnavailableSecret' }]);
});
