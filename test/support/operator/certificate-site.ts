import { randomBytes, X509Certificate } from 'node:crypto';
import { onTestFinished } from 'vitest';
import { addCertificate } from '#actors/certificate/certificate.ts';
import { isSignedBy, readBundle } from '#actors/certificate/certificate-material.ts';
import { CertificateSecret } from '#actors/certificate/certificate-secret.ts';
import type { CertificateSource } from '#actors/certificate/certificate-source.ts';
import type { IssuedCertificate } from '#actors/certificate/issue-certificate.ts';
import { defaultLifetimes, type Lifetimes } from '#actors/certificate/own-certificate.ts';
import { webhookNames } from '#actors/certificate/webhook-configuration.ts';
import { KuikSystem } from '#actors/system.ts';
import { TimerHeap } from '#actors/timer-heap.ts';
import type { KubeClient } from '#kube/client.ts';
import { certificateMachine } from '#machines/certificate.ts';
import { createLog } from '#telemetry/log.ts';
import { createMetrics } from '#telemetry/metrics.ts';
import { adminClient } from '#test/support/api-server/kube-client.ts';
import { admin, freshNamespace } from '#test/support/api-server/plane.ts';

/** Short, so that tests see what minutes would bring in service. */
const pollMs = 200;
/** Where the API server keeps configurations of mutating webhooks. */
export const configurations = '/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations';

/** One installation: a namespace for the Secret, and a configuration that no other test has. */
export async function createSite(url?: string) {
  const real = await adminClient();
  let looks = 0;
  const client: KubeClient = {
    ...real,
    call: (call, signal) => {
      if (call.path === path && call.method === 'GET') looks += 1;
      return real.call(call, signal);
    },
  };
  const namespace = await freshNamespace('cert');
  const name = `kuik-${randomBytes(4).toString('hex')}`;
  const path = `${configurations}/${name}`;
  onTestFinished(() => admin().remove(path));
  const secretPath = `/api/v1/namespaces/${namespace}/secrets/kuik-webhook`;
  const bundle = async () => {
    const configuration = await admin().get(path);
    const encoded: string = configuration?.webhooks[0].clientConfig.caBundle ?? '';
    return Buffer.from(encoded, 'base64').toString();
  };
  return { client, namespace, name, path, url, secretPath, bundle, looks: () => looks };
}

/** What `createSite` makes. */
export type Site = Awaited<ReturnType<typeof createSite>>;

/** One replica of the operator, as far as its certificate goes. */
export function startReplica(
  site: Site,
  options: { source?: CertificateSource; lifetimes?: Lifetimes } = {},
) {
  const clock = new TimerHeap();
  const served: IssuedCertificate[] = [];
  const lines: string[] = [];
  const { source } = options;
  const destination = { write: (line: string) => lines.push(line) };
  const system = new KuikSystem({
    clock,
    log: createLog({ level: 'debug', format: 'json', destination }),
    metrics: createMetrics({ build: { version: '1' } }),
    ...{ now: Date.now, random: Math.random },
  });
  addCertificate(system, {
    from: source === undefined ? 'own' : 'directory',
    source: source ?? ownSource(site, site.client, options.lifetimes),
    webhook: { client: site.client, name: site.name, url: site.url, timeoutSeconds: 5 },
    serve: async (certificate) => void served.push(certificate),
    trusted: () => undefined,
    pollMs,
  });
  system.start();
  const actor = system.find<typeof certificateMachine>(certificateMachine.id)!;
  onTestFinished(() => {
    system.stop();
    clock.close();
  });
  return { actor, served, lines, serving: () => served.at(-1) };
}

function ownSource(site: Site, client: KubeClient, lifetimes = defaultLifetimes) {
  const { namespace, url } = site;
  return new CertificateSecret({
    client,
    namespace,
    secretName: 'kuik-webhook',
    names: webhookNames({ url, service: 'kuik', namespace }),
    lifetimes,
    now: Date.now,
  });
}

/** Whether a client that trusts `bundle` and nothing else accepts what is served. */
export function isTrusted(certificate: IssuedCertificate | undefined, bundle: string): boolean {
  if (certificate === undefined) return false;
  const leaf = new X509Certificate(certificate.cert);
  return readBundle(bundle).some((authority) => isSignedBy(leaf, authority));
}
