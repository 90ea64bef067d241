import { expect, onTestFinished, test } from 'vitest';
import { ServiceAccounts } from '#actors/secrets/service-accounts.ts';
import type { KubeClient } from '#kube/client.ts';
import { createTestRuntime } from '#test/support/time/test-runtime.ts';

function stage(answer: object) {
  const asked: string[] = [];
  const call = async ({ path }: { readonly path: string }) => {
    asked.push(path);
    return answer;
  };
  const accounts = new ServiceAccounts(createTestRuntime(), { call } as unknown as KubeClient);
  onTestFinished(accounts.close);
  const objection = () => accounts.objection('apps', 'default', new AbortController().signal);
  return { objection, asked };
}

const annotated = (annotations: object) => ({ ok: true, value: { metadata: { annotations } } });
const failed = (code: number) => ({ ok: false, error: { kind: 'status', code, message: 'no' } });

test('an account that enforces its own Secrets is told, and read once', async () => {
  const { objection, asked } = stage(
    annotated({ 'kubernetes.io/enforce-mountable-secrets': 'true' }),
  );
  expect(await objection()).toContain('the service account apps/default mounts only Secrets');
  expect(await objection()).toBeDefined();
  expect(asked).toEqual(['/api/v1/namespaces/apps/serviceaccounts/default']);
});

test.each([
  annotated({}),
  annotated({ 'kubernetes.io/enforce-mountable-secrets': 'false' }),
  failed(404),
])('any other has no objection: %#', async (answer) =>
  expect(await stage(answer).objection()).toBeUndefined(),
);

test('one that is not read may have one: a Pod must not be refused', async () => {
  expect(await stage(failed(403)).objection()).toContain('was not read');
});
