import { utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { createKubeClient, type KubeClient } from '#kube/client.ts';
import { type KubeAccess, type KubeTransport, loadKubeConfig } from '#kube/kube-config.ts';
import { kubeconfigFor } from '#test/support/api-server/api.ts';
import { type ApiProxy, refusal } from '#test/support/api-server/api-proxy.ts';
import { adminKubeconfig } from '#test/support/api-server/plane.ts';
import { proxiedClient, proxyToPlane } from '#test/support/api-server/watch-stage.ts';
import { temporaryDirectory } from '#test/support/processes/guardian.ts';
import { eventually } from '#test/support/time/eventually.ts';

const hour = 3_600_000;
const never = new AbortController().signal;
const getDefault = (client: KubeClient, signal = never) =>
  client.call({ method: 'GET', path: '/api/v1/namespaces/default' }, signal);

/** A way through the proxy whose credentials and clock the test holds. */
async function changingClient(proxy: ApiProxy) {
  const found = await loadKubeConfig({ kubeconfig: adminKubeconfig(), environment: {} });
  if (!found.ok) throw new Error(found.error.message);
  const token = await found.value.authorization();
  const state = {
    nowMs: 0,
    transport: { ca: proxy.authorityPem } as KubeTransport,
    authorization: async (): Promise<string | undefined> => token,
  };
  const access: KubeAccess = {
    ...found.value,
    server: proxy.server,
    transport: async () => state.transport,
    authorization: () => state.authorization(),
  };
  const client = createKubeClient({ access, monotonicMs: () => state.nowMs });
  onTestFinished(client.close);
  return { client, state, token };
}

describe('connections to the API server', () => {
  test('are few over hundreds of calls, some of which break theirs', async () => {
    const proxy = await proxyToPlane();
    const client = await proxiedClient(proxy);
    proxy.setRules({ fault: { kind: 'reset' }, times: 20 });
    const outcomes: boolean[] = [];
    for (let round = 0; round < 10; round += 1) {
      const calls = Array.from({ length: 50 }, () => getDefault(client));
      outcomes.push(...(await Promise.all(calls)).map(({ ok }) => ok));
      expect(proxy.openConnections()).toBeLessThanOrEqual(16);
    }
    expect(outcomes.filter((ok) => ok).length).toBe(480);
    // Each of the twenty that were broken is made anew, no more.
    expect(proxy.connections()).toBeLessThanOrEqual(16 + 20);
  });

  test('are let go of by a call that is given up, at once', async () => {
    const proxy = await proxyToPlane();
    const client = await proxiedClient(proxy);
    proxy.setRules({ fault: { kind: 'hang' } });
    const givingUp = new AbortController();
    const calls = Array.from({ length: 16 }, () => getDefault(client, givingUp.signal));
    await eventually('all hang', () => proxy.requests().length === 16);
    givingUp.abort();
    for (const answer of await Promise.all(calls)) {
      expect(answer).toMatchObject({ ok: false, error: { kind: 'aborted' } });
    }
    await eventually('nothing is left open', () => proxy.openConnections() === 0);
    proxy.setRules();
    expect(await getDefault(client)).toMatchObject({ ok: true });
  });

  test('are made anew when the authority rotates, and what is in flight still ends well', async () => {
    const proxy = await proxyToPlane();
    const { client, state } = await changingClient(proxy);
    proxy.setRules({ fault: { kind: 'delay', delayMs: 500 }, times: 1 });
    const slow = getDefault(client);
    await eventually('it is in flight', () => proxy.requests().length === 1);
    state.nowMs += hour;
    state.transport = { ...state.transport, servername: 'localhost' };
    expect(await getDefault(client)).toMatchObject({ ok: true });
    expect(proxy.connections()).toBe(2);
    expect(await slow).toMatchObject({ ok: true });
    await eventually('the old one is gone', () => proxy.openConnections() === 1);
  });

  test('of calls that still hang on rotated credentials do not outlive the client', async () => {
    const proxy = await proxyToPlane();
    const { client, state } = await changingClient(proxy);
    proxy.setRules({ fault: { kind: 'hang' }, times: 1 });
    const hanging = getDefault(client);
    await eventually('it hangs', () => proxy.requests().length === 1);
    state.nowMs += hour;
    state.transport = { ...state.transport, servername: 'localhost' };
    await getDefault(client);
    await client.close();
    expect(await hanging).toMatchObject({ ok: false, error: { kind: 'connection' } });
    await eventually('nothing is left open', () => proxy.openConnections() === 0);
    expect(await getDefault(client)).toMatchObject({ ok: false, error: { kind: 'connection' } });
    expect(proxy.openConnections()).toBe(0);
  });
});

describe('credentials', () => {
  test('that the server refuses are read again at once, and the call goes on', async () => {
    const proxy = await proxyToPlane();
    const { client, state, token } = await changingClient(proxy);
    state.authorization = async () => 'Bearer outdated';
    expect(await getDefault(client)).toMatchObject({ ok: false, error: { code: 401 } });
    state.authorization = async () => token;
    expect(await getDefault(client)).toMatchObject({ ok: true });
  });

  test('that cannot be read while they rotate leave the last ones in force', async () => {
    const proxy = await proxyToPlane();
    const { client, state } = await changingClient(proxy);
    expect(await getDefault(client)).toMatchObject({ ok: true });
    state.nowMs += hour;
    state.authorization = () => Promise.reject(new Error('expected a token file, found none'));
    expect(await getDefault(client)).toMatchObject({ ok: true });
  });

  test('that are refused and cannot be read anew are a refusal, not a crash', async () => {
    const proxy = await proxyToPlane();
    const { client, state } = await changingClient(proxy);
    state.authorization = async () => 'Bearer outdated';
    proxy.setRules({ fault: refusal(401, 'Unauthorized'), times: 1 });
    const first = getDefault(client);
    state.authorization = () => Promise.reject(new Error('expected a token file, found none'));
    expect(await first).toMatchObject({ ok: false, error: { kind: 'status', code: 401 } });
  });

  test('that were never there are a failure of the connection', async () => {
    const { client, state } = await changingClient(await proxyToPlane());
    state.authorization = () => Promise.reject(new Error('expected a token file, found none'));
    const answer = await getDefault(client);
    expect(answer).toMatchObject({ ok: false, error: { kind: 'connection' } });
  });

  test('in a kubeconfig that somebody writes anew are found there', async () => {
    const proxy = await proxyToPlane();
    const directory = temporaryDirectory('kubeconfig');
    onTestFinished(directory.remove);
    const kubeconfig = join(directory.path, 'kubeconfig');
    const { token } = await changingClient(proxy);
    const { server, authorityPem } = proxy;
    const write = (bearer: string) => {
      writeFileSync(kubeconfig, kubeconfigFor({ server, authorityPem, token: bearer }));
      // Two writes within the resolution of a file's time are two writes all the same.
      writes += 1;
      utimesSync(kubeconfig, writes, writes);
    };
    let writes = 0;
    write('outdated');
    const access = await loadKubeConfig({ kubeconfig, environment: {} });
    if (!access.ok) throw new Error(access.error.message);
    const client = createKubeClient({ access: access.value });
    onTestFinished(client.close);
    expect(await getDefault(client)).toMatchObject({ ok: false, error: { code: 401 } });
    write(token?.replace('Bearer ', '') ?? '');
    expect(await getDefault(client)).toMatchObject({ ok: true });
  });
});
