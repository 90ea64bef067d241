import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import type { Credential } from '#core/credentials.ts';
import { NameError } from '#oci/names.ts';
import { startFaultRegistry } from '#test/support/registries/fault-registry.ts';
import { deleteManifest, pushImage, pushIndex } from '#test/support/registries/images.ts';
import {
  alice,
  head,
  imageOn,
  mallory,
  type OciStage,
  soon,
  startOciStage,
} from '#test/support/registries/oci-stage.ts';
import { startRegistry } from '#test/support/registries/registry.ts';
import { makeAuthority } from '#test/support/registries/tls.ts';

let stage: OciStage;

beforeAll(async () => {
  stage = await startOciStage();
});
afterEach(async () => {
  await stage.closeClients();
});
afterAll(async () => {
  await stage?.close();
});

describe('a real registry', () => {
  test('says of an image that it is there, with its digest, over plain HTTP and TLS', async () => {
    const client = stage.makeClient();
    for (const registry of [stage.plain, stage.secure]) {
      for (const method of ['HEAD', 'GET'] as const) {
        const answer = await client.manifest({ reference: imageOn(registry), method }, soon());
        expect(answer).toEqual({
          ok: true,
          value: { status: 200, digest: stage.image.digest, mediaType: stage.image.mediaType },
        });
      }
    }
  });

  test('says of an index that it is there, and of a deleted manifest that it is not', async () => {
    const client = stage.makeClient();
    const index = await pushIndex(stage.plain, 'team/multi:1');
    const reference = imageOn(stage.plain, 'team/multi');
    expect(await client.manifest(head(reference), soon())).toMatchObject({
      value: { digest: index.digest, mediaType: index.mediaType },
    });
    await deleteManifest(stage.plain, 'team/multi', index.digest);
    expect(await client.manifest(head(reference), soon())).toMatchObject({
      error: {
        kind: 'answer',
        status: 404,
        message: expect.stringContaining(`${stage.plain.host}/team/multi:1`),
      },
    });
  });

  test('is asked by digest where an image is pinned', async () => {
    const client = stage.makeClient();
    const pinned = { ...imageOn(stage.secure), tag: 'gone', digest: stage.image.digest };
    expect(await client.manifest(head(pinned), soon())).toMatchObject({ ok: true });
  });

  test('lets in who its htpasswd file knows, and nobody else', async () => {
    const client = stage.makeClient();
    const ask = async (credential?: Credential) =>
      await client.manifest(head(imageOn(stage.guarded), credential), soon());
    expect(await ask()).toMatchObject({ error: { status: 401 } });
    expect(await ask(alice)).toMatchObject({ ok: true });
    expect(await ask(mallory)).toMatchObject({ error: { status: 401 } });
    expect(await ask()).toMatchObject({ error: { status: 401 } });
  });

  test('answers a ping whatever it thinks of us', async () => {
    const client = stage.makeClient();
    expect(await client.ping(stage.guarded.host, soon())).toEqual({ ok: true, value: 401 });
    expect(await client.ping(stage.plain.host, soon())).toEqual({ ok: true, value: 200 });
  });

  test('is found again over plain HTTP after it was away', async () => {
    const client = stage.makeClient();
    expect(await client.ping(stage.plain.host, soon())).toMatchObject({ ok: true });
    await stage.plain.stop();
    expect(await client.ping(stage.plain.host, soon())).toMatchObject({
      error: { kind: 'connection', cause: 'refused' },
    });
    await stage.plain.start();
    expect(await client.manifest(head(imageOn(stage.plain)), soon())).toMatchObject({ ok: true });
  });
});

describe('the settings of a registry', () => {
  test('bound its connections', async () => {
    const front = await startFaultRegistry({ upstream: stage.plain });
    const client = stage.makeClient({
      registries: { [front.host]: { plainHTTP: true, concurrency: 1 } },
    });
    const answers = Array.from({ length: 10 }, () => client.manifest(head(imageOn(front)), soon()));
    expect((await Promise.all(answers)).every(({ ok }) => ok)).toBe(true);
    expect(front.connections()).toBe(1);
    await front.close();
  });

  test('are its own, whatever it is called', async () => {
    const asked: string[] = [];
    const client = stage.makeClient({
      resolve: async (hostname) => {
        asked.push(hostname);
        throw new NameError(hostname, 'ENOTFOUND');
      },
    });
    for (const host of ['docker.io', 'constructor:5000', 'registry.example.com']) {
      expect(await client.ping(host, soon())).toMatchObject({
        error: { cause: 'dns', message: expect.stringContaining(host) },
      });
    }
    expect(asked).toEqual(['registry-1.docker.io', 'constructor', 'registry.example.com']);
    expect(await client.ping('no host', soon())).toMatchObject({ error: { kind: 'protocol' } });
  });
});

describe('a loopback registry', () => {
  test('that speaks plain HTTP is asked over TLS only once', async () => {
    const http = await startFaultRegistry({ upstream: stage.plain });
    const client = stage.makeClient();
    for (let asked = 0; asked < 5; asked += 1) {
      expect(await client.manifest(head(imageOn(http)), soon())).toMatchObject({ ok: true });
    }
    // One for TLS, and undici gives a connection back a turn of the event loop after its answer.
    expect(http.connections()).toBeLessThanOrEqual(3);
    await http.close();
  });

  test('that learns TLS is spoken to over TLS again', async () => {
    const http = await startRegistry();
    const client = stage.makeClient({
      registries: { [http.host]: { caFile: stage.tls.authorityPem } },
    });
    expect(await client.ping(http.host, soon())).toEqual({ ok: true, value: 200 });
    await http.remove();
    const https = await startRegistry({ tls: stage.tls, port: http.port });
    await pushImage(https, 'team/app:1');
    await client.ping(http.host, soon());
    await client.ping(http.host, soon());
    expect(await client.manifest(head(imageOn(https)), soon())).toMatchObject({ ok: true });
    await https.remove();
  });

  test('whose certificate nobody trusts is not spoken to over plain HTTP', async () => {
    const client = stage.makeClient({ registries: {} });
    expect(await client.manifest(head(imageOn(stage.secure), alice), soon())).toMatchObject({
      error: { kind: 'connection', cause: 'tls' },
    });
  });
});

describe('certificates', () => {
  test('of an insecure registry are not verified', async () => {
    const client = stage.makeClient({ registries: { [stage.secure.host]: { insecure: true } } });
    expect(await client.manifest(head(imageOn(stage.secure)), soon())).toMatchObject({ ok: true });
  });

  test('that ran out, begin later or are for another name are refused', async () => {
    const authority = await makeAuthority();
    const hourMs = 3_600_000;
    const wrong = [
      { notAfter: new Date(Date.now() - hourMs / 2) },
      { notBefore: new Date(Date.now() + hourMs) },
      { names: ['registry.example.com'] },
      { names: ['10.0.0.1'] },
    ];
    for (const options of wrong) {
      const certificate = { ...(await authority.issue(options)), authorityPem: authority.pem };
      const registry = await startFaultRegistry({ tls: certificate });
      const client = stage.makeClient({
        registries: { [registry.host]: { caFile: authority.pem } },
      });
      expect(await client.ping(registry.host, soon())).toMatchObject({
        error: { kind: 'connection', cause: 'tls' },
      });
      expect(registry.requests()).toEqual([]);
      await registry.close();
    }
  });

  test('of a CA file that is missing or holds none make the registry untrusted, no crash', async () => {
    for (const caFile of ['/nowhere/ca.pem', import.meta.filename]) {
      const client = stage.makeClient({ registries: { [stage.secure.host]: { caFile } } });
      expect(await client.ping(stage.secure.host, soon())).toMatchObject({
        error: { kind: 'connection', cause: 'tls' },
      });
    }
  });
});
