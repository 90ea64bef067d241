import { describe, expect, test } from 'vitest';
import { SecretReader } from '#actors/secrets/secret-reader.ts';
import { fail, type Result, succeed } from '#core/result.ts';
import type { ApiFailure } from '#kube/failures.ts';
import { answered, startMonitoring, turns } from '#test/support/monitoring/monitoring-stage.ts';
import { createTestRuntime } from '#test/support/time/test-runtime.ts';

/** One private image with one Secret, read by a reader that remembers it for ever. */
async function lead() {
  let answer: Result<object, ApiFailure> = secretOf('alice');
  const client = { call: async <T>() => answer as Result<T, ApiFailure> };
  const secrets = new SecretReader(createTestRuntime(), client);
  const stage = startMonitoring({ secrets });
  stage.run('a', 'quay.io/team/a:1', { pullSecrets: ['pull'] });
  stage.declare('all', { imageFilter: { include: ['.*'] } });
  await stage.lead();
  await stage.pass(1_000);
  return {
    ...stage,
    users: () => stage.sent.map(({ credentials }) => credentials.map(({ username }) => username)),
    /** Nobody says that it changed. */
    rotate: (next: typeof answer) => {
      answer = next;
    },
    store: (next: typeof answer) => {
      answer = next;
      secrets.forget({ namespace: 'apps', name: 'pull' });
    },
  };
}

function secretOf(username: string, host = 'quay.io'): Result<object, ApiFailure> {
  const config = JSON.stringify({ auths: { [host]: { username, password: 'secret' } } });
  const data = { '.dockerconfigjson': Buffer.from(config).toString('base64') };
  return succeed({ type: 'kubernetes.io/dockerconfigjson', data });
}

test('a Secret that was rotated is used at the next check, whoever read it a moment ago', async () => {
  const stage = await lead();
  stage.rotate(secretOf('bob'));
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

describe('what a routing probe learnt of an image with Secrets', () => {
  const missing = answered({ kind: 'NotFound', message: 'no such image' });

  /** Says that a review asked for the image as these users. */
  async function hear(stage: Awaited<ReturnType<typeof lead>>, ...users: readonly string[]) {
    const probe = {
      reference: { registry: 'quay.io', path: 'team/a', tag: '1' },
      ...{ method: 'HEAD' as const, resolveDigest: false, timeoutMs: 1_000 },
      credentials: users.map((username) => ({ username, password: 'secret', source: 'a/copy' })),
    };
    stage.see(probe, missing);
    await turns();
    return stage.tracked('all')[0]?.status;
  }

  test('counts where it was asked with what a check would be made with', async () => {
    expect(await hear(await lead(), 'alice')).toBe('NotFound');
  });

  test('says nothing where other credentials were used, or none', async () => {
    expect(await hear(await lead())).toBe('Available');
    expect(await hear(await lead(), 'bob')).toBe('Available');
    expect(await hear(await lead(), 'alice', 'bob')).toBe('Available');
  });

  test('counts without credentials where its Secrets open other registries, or are missing', async () => {
    const stage = await lead();
    stage.store(secretOf('alice', 'ghcr.io'));
    expect(await hear(stage)).toBe('NotFound');
    const later = await lead();
    later.store(fail({ kind: 'status', code: 404, reason: 'NotFound', message: 'none' }));
    expect(await hear(later)).toBe('NotFound');
  });
});
