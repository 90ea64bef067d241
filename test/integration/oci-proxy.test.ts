import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { NameError } from '#oci/names.ts';
import { freePorts } from '#test/support/processes/child-process.ts';
import { type ConnectProxy, startConnectProxy } from '#test/support/registries/connect-proxy.ts';
import { startFaultRegistry } from '#test/support/registries/fault-registry.ts';
import {
  head,
  imageOn,
  type OciStage,
  soon,
  startOciStage,
} from '#test/support/registries/oci-stage.ts';
import { makeAuthority } from '#test/support/registries/tls.ts';

let stage: OciStage;
const proxies: ConnectProxy[] = [];

beforeAll(async () => {
  stage = await startOciStage();
});
afterEach(async () => {
  await stage.closeClients();
  for (const proxy of proxies.splice(0)) await proxy.close();
});
afterAll(async () => {
  await stage?.close();
});

async function startProxy(options: Parameters<typeof startConnectProxy>[0]): Promise<ConnectProxy> {
  const proxy = await startConnectProxy(options);
  proxies.push(proxy);
  return proxy;
}

/** A registry that only the proxy finds: its name and its network do not exist here. */
const named = { host: 'registry.example.com' };
const addressed = { host: '10.255.0.7:5000' };

describe('a proxy', () => {
  test('takes us to a TLS registry whose certificate is verified all the same', async () => {
    const authority = await makeAuthority();
    const certificate = await authority.issue({ names: ['registry.example.com'] });
    const registry = await startFaultRegistry({
      upstream: stage.plain,
      tls: { ...certificate, authorityPem: authority.pem },
    });
    const proxy = await startProxy({ leadsTo: registry.port, userinfo: 'kuik:open' });
    const registries = {
      [named.host]: { caFile: authority.pem },
      [addressed.host]: { caFile: authority.pem },
    };
    const client = stage.makeClient({ registries, proxies: { httpsProxy: proxy.url } });
    expect(await client.manifest(head(imageOn(named)), soon())).toMatchObject({ ok: true });
    expect(await client.manifest(head(imageOn(named)), soon())).toMatchObject({ ok: true });
    expect(await client.manifest(head(imageOn(addressed)), soon())).toMatchObject({
      error: { cause: 'tls' },
    });
    expect(new Set(proxy.asked())).toEqual(
      new Set(['CONNECT registry.example.com:443', 'CONNECT 10.255.0.7:5000']),
    );
    await registry.close();
  });

  test('takes us to a plain-HTTP registry with the whole URL', async () => {
    const proxy = await startProxy({ leadsTo: stage.plain.port });
    const client = stage.makeClient({
      registries: { [named.host]: { plainHTTP: true } },
      proxies: { httpProxy: proxy.url.replace('http://', '') },
    });
    expect(await client.manifest(head(imageOn(named)), soon())).toMatchObject({ ok: true });
    expect(proxy.asked()).toEqual(['HEAD http://registry.example.com/v2/team/app/manifests/1']);
  });

  test('is left out for loopback, and for addresses of a CIDR in NO_PROXY', async () => {
    const proxy = await startProxy({ leadsTo: stage.plain.port });
    const client = stage.makeClient({
      proxies: {
        httpsProxy: proxy.url,
        httpProxy: proxy.url,
        noProxy: 'other.example.com, 10.0.0.0/8',
      },
      // Never reached: what is spoken to directly does not exist here.
      resolve: async (hostname) => {
        throw new NameError(hostname, 'ENOTFOUND');
      },
    });
    expect(await client.manifest(head(imageOn(stage.plain)), soon())).toMatchObject({ ok: true });
    const brief = AbortSignal.timeout(300);
    await client.manifest(head(imageOn(addressed)), brief);
    expect(await client.ping('other.example.com', soon())).toMatchObject({
      error: { cause: 'dns' },
    });
    expect(proxy.asked()).toEqual([]);
    await client.ping('registry.example.com', soon());
    expect(proxy.asked()).not.toEqual([]);
  });

  test('that refuses, or is not there, is a connection that failed', async () => {
    const refusing = await startProxy({ userinfo: 'kuik:open' });
    const [port = 0] = await freePorts(1);
    const wrong = [refusing.url.replace('open', 'wrong'), `http://127.0.0.1:${port}`];
    for (const httpsProxy of wrong) {
      const client = stage.makeClient({ proxies: { httpsProxy } });
      expect(await client.ping(named.host, soon())).toMatchObject({
        error: { kind: 'connection', cause: 'refused' },
      });
    }
  });

  test('is not asked for a link-local address either', async () => {
    const proxy = await startProxy({ leadsTo: stage.plain.port });
    const client = stage.makeClient({ proxies: { httpsProxy: proxy.url } });
    for (const host of ['169.254.169.254', '[fe80::1]:5000']) {
      expect(await client.ping(host, soon())).toMatchObject({ error: { cause: 'forbidden' } });
    }
    expect(proxy.asked()).toEqual([]);
  });
});
