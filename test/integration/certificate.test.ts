import { X509Certificate } from 'node:crypto';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { describe, expect, onTestFinished, test } from 'vitest';
import { admin } from '#test/support/api-server/plane.ts';
import {
  configurations,
  createSite,
  isTrusted,
  startReplica,
} from '#test/support/operator/certificate-site.ts';
import { eventually } from '#test/support/time/eventually.ts';

const hasEnded = ({ validTo }: X509Certificate) => Date.parse(validTo) < Date.now();

/** A webhook that lets every Pod in, and remembers which. */
async function listen(): Promise<{ server: Server; url: string; seen: string[] }> {
  const seen: string[] = [];
  const server = createServer((request, response) => {
    let body = '';
    request.on('data', (chunk) => {
      body += chunk;
    });
    request.on('end', () => {
      const review = JSON.parse(body);
      seen.push(`${request.url} ${review.request.object.metadata.name}`);
      const answer = { uid: review.request.uid, allowed: true };
      response.setHeader('content-type', 'application/json');
      response.end(JSON.stringify({ ...review, request: undefined, response: answer }));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return { server, url: `https://127.0.0.1:${(server.address() as AddressInfo).port}`, seen };
}

describe('our own certificate', () => {
  test('is one that the API server accepts, by the configuration that we made', async () => {
    const { server, url, seen } = await listen();
    const site = await createSite(url);
    const { serving } = startReplica(site);
    const certificate = await eventually('it is served', serving);
    server.setSecureContext(certificate);
    await eventually('the configuration is made', site.bundle);
    const pods = `/api/v1/namespaces/${site.namespace}/pods`;
    let count = 0;
    await eventually('a Pod comes by', async () => {
      const name = `p-${count++}`;
      const spec = { containers: [{ name: 'c', image: 'example.com/app:1' }] };
      await admin().create(pods, { apiVersion: 'v1', kind: 'Pod', metadata: { name }, spec });
      return seen.some((one) => one.startsWith('/mutate--v1-pod?') && one.endsWith(` ${name}`));
    });
    expect((await admin().get(site.path)).webhooks[0]).toMatchObject({
      failurePolicy: 'Ignore',
      reinvocationPolicy: 'IfNeeded',
      sideEffects: 'NoneOnDryRun',
      timeoutSeconds: 5,
      clientConfig: { url: `${url}/mutate--v1-pod` },
      rules: [
        { operations: ['CREATE'], resources: ['pods'] },
        { operations: ['UPDATE'], resources: ['pods/ephemeralcontainers'] },
      ],
    });
  });

  test('a configuration that somebody edits or deletes is mended within seconds, and left alone then', async () => {
    const site = await createSite('https://127.0.0.1:9443');
    const { serving } = startReplica(site);
    await eventually('it is trusted', async () => isTrusted(serving(), await site.bundle()));
    const before = await admin().get(site.path);
    const webhooks = [{ ...before.webhooks[0], clientConfig: { url: 'https://127.0.0.1:1/x' } }];
    await admin().merge(site.path, { webhooks });
    await eventually('it is mended', async () => isTrusted(serving(), await site.bundle()));
    const mended = await admin().get(site.path);
    expect(mended.webhooks).toEqual(before.webhooks);
    await admin().remove(site.path);
    await eventually('it is made again', async () => isTrusted(serving(), await site.bundle()));
    const made = (await admin().get(site.path)).metadata.resourceVersion;
    const looks = site.looks();
    await eventually('it was looked at again and again', () => site.looks() > looks + 4);
    expect((await admin().get(site.path)).metadata.resourceVersion).toBe(made);
  });

  test("of a configuration that is the chart's only what is trusted is changed", async () => {
    const site = await createSite();
    const webhook = {
      name: 'pods.example.com',
      clientConfig: {
        service: { name: 'kuik', namespace: site.namespace, path: '/mutate--v1-pod' },
      },
      rules: [
        { operations: ['CREATE'], apiGroups: [''], apiVersions: ['v1'], resources: ['pods'] },
      ],
      namespaceSelector: { matchLabels: { 'kuik-test': 'never' } },
      admissionReviewVersions: ['v1'],
      sideEffects: 'None',
      failurePolicy: 'Ignore',
    };
    const { serving } = startReplica(site);
    await eventually('it is served', serving);
    const kind = {
      apiVersion: 'admissionregistration.k8s.io/v1',
      kind: 'MutatingWebhookConfiguration',
    };
    await admin().create(configurations, {
      ...kind,
      metadata: { name: site.name },
      webhooks: [webhook],
    });
    await eventually('it is trusted', async () => isTrusted(serving(), await site.bundle()));
    expect((await admin().get(site.path)).webhooks[0]).toMatchObject(webhook);
    const { subjectAltName } = new X509Certificate(serving()!.cert);
    expect(subjectAltName).toContain(`DNS:kuik.${site.namespace}.svc`);
  });

  test('is the same for all replicas that start together: one wins, the others load what it wrote', async () => {
    const site = await createSite('https://127.0.0.1:9443');
    const replicas = Array.from({ length: 5 }, () => startReplica(site));
    await eventually('all serve', () => replicas.every(({ serving }) => serving() !== undefined));
    const secret = await admin().get(site.secretPath);
    const stored = Buffer.from(secret.data['tls.crt'], 'base64').toString();
    await eventually('all serve what is stored', () =>
      replicas.every(({ serving }) => serving()?.cert === stored),
    );
    expect(replicas.map(({ served }) => served.length)).toEqual([1, 1, 1, 1, 1]);
    expect(secret.type).toBe('kubernetes.io/tls');
  });

  test.each([
    ['deleted', undefined],
    ['filled with garbage', { 'tls.crt': btoa('LOREM'), 'tls.key': btoa('IPSUM'), 'ca.crt': '' }],
  ])('a Secret that is %s is put back as it was, and nobody has to trust anew', async (_, data) => {
    const site = await createSite('https://127.0.0.1:9443');
    const replicas = [startReplica(site), startReplica(site)];
    await eventually('it is trusted', async () => {
      const bundle = await site.bundle();
      return replicas.every(({ serving }) => isTrusted(serving(), bundle));
    });
    const before = await admin().get(site.secretPath);
    if (data === undefined) await admin().remove(site.secretPath);
    else await admin().merge(site.secretPath, { data });
    await eventually('it is back', async () => {
      const now = await admin().get(site.secretPath);
      return now?.data['tls.crt'] === before.data['tls.crt'];
    });
    const after = await admin().get(site.secretPath);
    expect(after.data).toEqual(before.data);
    expect(replicas.map(({ served }) => served.length)).toEqual([1, 1]);
  });

  test('a Secret full of garbage at the start is replaced, and the log says what was wrong', async () => {
    const site = await createSite('https://127.0.0.1:9443');
    const metadata = { name: 'kuik-webhook', namespace: site.namespace };
    const data = { 'tls.crt': btoa('LOREM'), 'tls.key': btoa('IPSUM') };
    const secret = { apiVersion: 'v1', kind: 'Secret', metadata, type: 'kubernetes.io/tls', data };
    await admin().create(`/api/v1/namespaces/${site.namespace}/secrets`, secret);
    const { serving, lines } = startReplica(site);
    await eventually('it is trusted', async () => isTrusted(serving(), await site.bundle()));
    expect(lines.join('')).toContain('expected a PEM certificate, got something else');
    expect(lines.join('')).not.toContain(btoa('IPSUM'));
  });

  test('is renewed before its end, its authority too, with never a moment without trust', async () => {
    const site = await createSite('https://127.0.0.1:9443');
    const lifetimes = {
      authorityMs: 12_000,
      authorityRenewBeforeMs: 7_000,
      servingMs: 6_000,
      servingRenewBeforeMs: 3_000,
      trustDelayMs: 1_000,
    };
    const replicas = [startReplica(site, { lifetimes }), startReplica(site, { lifetimes })];
    await eventually('it is trusted', async () => {
      const bundle = await site.bundle();
      return replicas.every(({ serving }) => isTrusted(serving(), bundle));
    });
    const first = new X509Certificate(replicas[0]!.serving()!.cert);
    const gaps = new Set<string>();
    const look = async () => {
      const bundle = await site.bundle();
      const certificates = replicas.map(({ serving }) => serving()!);
      if (!certificates.every((each) => isTrusted(each, bundle))) gaps.add('not trusted');
      const leaves = certificates.map(({ cert }) => new X509Certificate(cert));
      if (leaves.some(hasEnded)) gaps.add('ended');
      return hasEnded(first) && leaves.every(({ issuer }) => issuer !== first.issuer);
    };
    await eventually('a new authority signs for all', look, { withinMs: 25_000 });
    expect([...gaps]).toEqual([]);
  });
});
