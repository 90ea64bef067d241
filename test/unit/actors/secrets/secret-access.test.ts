import { expect, onTestFinished, test } from 'vitest';
import { SecretAccess } from '#actors/secrets/secret-access.ts';
import { fail, succeed } from '#core/result.ts';
import type { ApiCall, KubeClient } from '#kube/client.ts';
import { createTestRuntime } from '#test/support/time/test-runtime.ts';

/** An account that may read Secrets there; `undefined` stands for all namespaces. */
function accountOf(...allowed: readonly (string | undefined)[]) {
  const asked: (string | undefined)[] = [];
  const call = async ({ body }: ApiCall) => {
    const { spec } = body as { spec: { resourceAttributes: { namespace?: string } } };
    const { namespace } = spec.resourceAttributes;
    asked.push(namespace);
    return succeed({ status: { allowed: allowed.includes(namespace) } });
  };
  const runtime = createTestRuntime();
  const access = new SecretAccess(runtime, { call } as unknown as Pick<KubeClient, 'call'>);
  onTestFinished(access.close);
  return { access, asked, clock: runtime.clock };
}

test('who may read all Secrets is asked about no namespace', async () => {
  const { access, asked } = accountOf(undefined);
  expect([await access.mayRead('a'), await access.mayRead('b')]).toEqual([true, true]);
  expect(asked).toEqual([undefined]);
});

test('who may not is asked about each namespace, once a minute', async () => {
  const { access, asked, clock } = accountOf('a');
  const both = async () => [await access.mayRead('a'), await access.mayRead('b')];
  expect(await both()).toEqual([true, false]);
  expect(await both()).toEqual([true, false]);
  expect(asked).toEqual([undefined, 'a', 'b']);
  clock.advance(60_001);
  await both();
  expect(asked).toHaveLength(6);
});

test('who is not answered may: what is missing is then told', async () => {
  const call = async () => fail({ kind: 'connection', message: 'away' } as const);
  const client = { call } as unknown as Pick<KubeClient, 'call'>;
  const access = new SecretAccess(createTestRuntime(), client);
  onTestFinished(access.close);
  expect(await access.mayRead('a')).toBe(true);
});
