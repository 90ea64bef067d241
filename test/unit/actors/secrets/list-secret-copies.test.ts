import { describe, expect, test } from 'vitest';
import { listSecretCopies } from '#actors/secrets/list-secret-copies.ts';
import { ownerUidLabel } from '#actors/secrets/secret-copy.ts';
import { SecretRights } from '#actors/secrets/secret-rights.ts';
import { fail, succeed } from '#core/result.ts';
import type { ApiCall, KubeClient } from '#kube/client.ts';
import { createTestRuntime } from '#test/support/time/test-runtime.ts';

const whole = '/api/v1/secrets';
const of = (namespace: string) => `/api/v1/namespaces/${namespace}/secrets`;
const refusal = {
  ...{ kind: 'status', code: 403, reason: 'Forbidden' },
  message: 'User "system:serviceaccount:kuik:kuik" cannot list',
} as const;

/** An API server with a copy in each namespace, which lists those of some. */
function serve(listed: readonly string[]) {
  const { clock, log, lines } = createTestRuntime();
  const asked: string[] = [];
  const allowed = new Set(listed.map((one) => (one === 'all' ? whole : of(one))));
  const call = async ({ path }: ApiCall) => {
    asked.push(path);
    if (!allowed.has(path)) return fail(refusal);
    const namespace = /namespaces\/([^/]+)/.exec(path)?.[1] ?? 'everywhere';
    const labels = { [ownerUidLabel]: 'u' };
    const metadata = { namespace, name: 'kuik-pull-0123456789abcdef', labels, uid: 'x' };
    return succeed({ metadata: { resourceVersion: '1' }, items: [{ metadata }] });
  };
  const rights = new SecretRights({ clock, log });
  const client = { call } as unknown as Pick<KubeClient, 'call'>;
  const list = async (namespaces: readonly string[]) => {
    asked.length = 0;
    const listing = { client, rights, namespaces: () => namespaces };
    const found = await listSecretCopies(listing, AbortSignal.timeout(1_000));
    return found.ok ? found.value.map((copy) => copy.namespace) : found.error;
  };
  return { clock, rights, asked, allowed, list, lines };
}

describe('copies', () => {
  test('are listed all at once where a role allows it', async () => {
    const { list, asked } = serve(['all']);
    expect(await list(['a', 'b'])).toEqual(['everywhere']);
    expect(asked).toEqual([whole]);
  });

  test('are listed where a role allows it, and what it refuses is let be for ten minutes', async () => {
    const { list, asked, clock, allowed, lines } = serve(['a']);
    expect(await list(['a', 'b'])).toEqual(['a']);
    expect(asked).toEqual([whole, of('a'), of('b')]);
    clock.advance(599_000);
    expect(await list(['a', 'b'])).toEqual(['a']);
    expect(asked).toEqual([of('a')]);
    allowed.add(of('b'));
    clock.advance(1_000);
    expect(await list(['a', 'b'])).toEqual(['a', 'b']);
    expect(asked).toEqual([whole, of('a'), of('b')]);
    // Told once, whatever is tried again.
    expect(lines().map(({ namespace }) => namespace)).toEqual(['*', 'b']);
  });

  test('are not known where the API server does not say', async () => {
    const { rights } = serve([]);
    const away = { kind: 'connection', message: 'refused' } as const;
    const client = { call: async () => fail(away) } as unknown as Pick<KubeClient, 'call'>;
    const listing = { client, rights, namespaces: () => ['a'] };
    expect(await listSecretCopies(listing, AbortSignal.timeout(1_000))).toEqual(fail(away));
  });
});
