import { once } from 'node:events';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { probeImage } from '#actors/registries/probe-image.ts';
import { TimerHeap } from '#actors/timer-heap.ts';
import type { Credential } from '#core/credentials.ts';
import { createOciClient, type OciClientOptions } from '#oci/client.ts';
import { startFaultRegistry } from '#test/support/registries/fault-registry.ts';
import {
  type CertificateAuthority,
  type CertificateOptions,
  makeAuthority,
  makeSelfSigned,
  type ServerCertificate,
} from '#test/support/registries/tls.ts';

const hourMs = 3_600_000;
const alice: Credential = { source: 'team/pull', username: 'alice', password: 'hunter2' };
let trusted: CertificateAuthority;
let unknown: CertificateAuthority;
let impostor: CertificateAuthority;

beforeAll(async () => {
  [trusted, impostor, unknown] = await Promise.all([
    makeAuthority(),
    makeAuthority(),
    makeAuthority('somebody else'),
  ]);
});

/** What the monitor and the webhook are told of `team/app:1` on a registry. */
async function probe(host: string, options: OciClientOptions) {
  const client = createOciClient(options);
  const clock = new TimerHeap();
  onTestFinished(async () => {
    clock.close();
    await client.close();
  });
  const image = { registry: host, path: 'team/app', tag: '1' };
  return await probeImage(
    { client, clock, reference: image, method: 'HEAD', credentials: [alice], ...budget },
    new AbortController().signal,
  );
}

const budget = { resolveDigest: false, timeoutMs: 10_000 };

/** A registry with that certificate, which trusts `authority` where there is one. */
async function startWith(certificate: ServerCertificate) {
  const registry = await startFaultRegistry({ tls: { ...certificate, authorityPem: trusted.pem } });
  onTestFinished(registry.close);
  return registry;
}

const issued = (options: CertificateOptions) => async () => await trusted.issue(options);
const past = () => new Date(Date.now() - hourMs / 2);
const future = () => new Date(Date.now() + hourMs);

/** All on loopback: not one of them may be spoken to over plain HTTP instead. */
describe('a registry on loopback is Unreachable, and the message says why, when its certificate', () => {
  test.each<[string, () => Promise<ServerCertificate>, string]>([
    ['has expired', issued({ notAfter: past() }), 'its certificate has expired (CERT_HAS_EXPIRED)'],
    [
      'begins later',
      issued({ notBefore: future() }),
      'its certificate is not valid yet (CERT_NOT_YET_VALID)',
    ],
    [
      'is for another name',
      issued({ names: ['registry.example.com'] }),
      'its certificate is for another name (ERR_TLS_CERT_ALTNAME_INVALID)',
    ],
    [
      'is for another address',
      issued({ names: ['127.0.0.2'] }),
      'its certificate is for another name (ERR_TLS_CERT_ALTNAME_INVALID)',
    ],
    [
      'is for no name at all',
      issued({ names: [] }),
      'its certificate is for another name (ERR_TLS_CERT_ALTNAME_INVALID)',
    ],
    [
      'is of an authority that nobody knows',
      async () => await unknown.issue(),
      'its certificate is signed by nobody we trust (UNABLE_TO_VERIFY_LEAF_SIGNATURE)',
    ],
    [
      'is of one who calls itself as ours does',
      async () => await impostor.issue(),
      'its certificate is not signed by the authority that it names (CERT_SIGNATURE_FAILURE)',
    ],
    [
      'is self-signed',
      async () => await makeSelfSigned(),
      'its certificate is self-signed and not trusted (DEPTH_ZERO_SELF_SIGNED_CERT)',
    ],
    [
      'is for clients only',
      issued({ purpose: 'client' }),
      'its certificate is not meant for servers (INVALID_PURPOSE)',
    ],
  ])('%s', async (_, make, words) => {
    const registry = await startWith(await make());
    const { host } = registry;
    const outcome = await probe(host, { registries: { [host]: { caFile: trusted.pem } } });
    expect(outcome).toEqual({ kind: 'Unreachable', cause: 'tls', message: `${host}: ${words}` });
    // One connection, with TLS: no second one without, and nobody got the password.
    expect(registry.connections()).toBe(1);
    expect(registry.requests()).toEqual([]);
  });

  test('is right, but one of ours is asked for in turn', async () => {
    const { certificatePem: cert, keyPem: key } = await trusted.issue({ purpose: 'server' });
    const requests: string[] = [];
    const server = createServer({ cert, key, ca: trusted.pem, requestCert: true });
    server.on('request', (incoming) => requests.push(incoming.url ?? ''));
    server.on('tlsClientError', () => undefined);
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    onTestFinished(() => void server.close());
    const host = `127.0.0.1:${(server.address() as AddressInfo).port}`;
    const outcome = await probe(host, { registries: { [host]: { caFile: trusted.pem } } });
    // Node resets such a connection, others send an alert: both may be read first.
    expect(outcome).toMatchObject({ kind: 'Unreachable' });
    expect(requests).toEqual([]);
  });

  test('is right, and its CA file cannot be read', async () => {
    const registry = await startWith(await trusted.issue());
    const { host } = registry;
    const outcome = await probe(host, { registries: { [host]: { caFile: '/nowhere/ca.pem' } } });
    expect(outcome).toMatchObject({
      kind: 'Unreachable',
      cause: 'tls',
      message: `${host}: the CA file configured for it cannot be used (ERR_TLS_CA_FILE)`,
    });
    expect(registry.connections()).toBe(0);
  });
});

describe('a registry whose certificate is right', () => {
  test('is spoken to, whether or not the certificate names a purpose', async () => {
    for (const options of [{}, { purpose: 'server' }] as const) {
      const registry = await startWith(await trusted.issue(options));
      const { host } = registry;
      const outcome = await probe(host, { registries: { [host]: { caFile: trusted.pem } } });
      expect(outcome).toMatchObject({ kind: 'NotFound' });
      expect(registry.requests()).toHaveLength(1);
    }
  });
});
