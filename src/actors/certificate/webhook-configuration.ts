import { isDeepStrictEqual } from 'node:util';
import { type Result, succeed } from '#core/result.ts';
import type { KubeClient } from '#kube/client.ts';
import { type ApiFailure, hasCode } from '#kube/failures.ts';

/** The MutatingWebhookConfiguration that brings us the Pods, and how we take part in it. */
export interface WebhookConfigurationOptions {
  readonly client: KubeClient;
  readonly name: string;
  /** `--webhook-url`: the process is outside the cluster; the configuration is ours to make. */
  readonly url: string | undefined;
  /** What the API server waits for an answer, s. */
  readonly timeoutSeconds: number;
}

/** The path below the URL or the Service, as kuik v2 has it. */
export const mutatePath = '/mutate--v1-pod';

interface ConfigurationObject {
  readonly metadata?: Readonly<Record<string, unknown>>;
  readonly webhooks?: readonly WebhookObject[];
}

interface WebhookObject {
  readonly name?: string;
  readonly clientConfig?: Readonly<Record<string, unknown>>;
  readonly [field: string]: unknown;
}

const collection = '/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations';

const kind = {
  apiVersion: 'admissionregistration.k8s.io/v1',
  kind: 'MutatingWebhookConfiguration',
};

/**
 * Sees to it that the configuration trusts `bundle` (PEM); with a URL, that it is as it must be. Says
 * what was done; `absent`: it is somebody else's to make, and isn't there.
 */
export async function keepWebhookConfiguration(
  options: WebhookConfigurationOptions,
  bundle: string,
  signal: AbortSignal,
): Promise<Result<'kept' | 'mended' | 'made' | 'absent', ApiFailure>> {
  const { client, name, url } = options;
  const path = `${collection}/${name}`;
  const caBundle = Buffer.from(bundle, 'utf8').toString('base64');
  const read = await client.call<ConfigurationObject>({ method: 'GET', path }, signal);
  if (!read.ok && !hasCode(read.error, 404)) return read;
  if (!read.ok && url === undefined) return succeed('absent');
  const fresh: ConfigurationObject = {
    metadata: { name, labels: { 'app.kubernetes.io/managed-by': 'kuik' } },
  };
  const { metadata, webhooks: present = [] } = read.ok ? read.value : fresh;
  const webhooks = mendWebhooks(options, present, caBundle);
  if (isDeepStrictEqual(webhooks, present)) return succeed('kept');
  // The resource version goes back with it: what changed meanwhile is looked at again.
  const body = { ...kind, metadata, webhooks };
  const written = read.ok
    ? await client.call({ method: 'PUT', path, body }, signal)
    : await client.call({ method: 'POST', path: collection, body }, signal);
  if (!written.ok) return written;
  return succeed(read.ok ? 'mended' : 'made');
}

/** A configuration that is not ours (the chart's) keeps all but what it trusts. */
function mendWebhooks(
  options: WebhookConfigurationOptions,
  webhooks: readonly WebhookObject[],
  caBundle: string,
): readonly WebhookObject[] {
  const { url } = options;
  if (url !== undefined) {
    const ours = webhooks.find((webhook) => webhook.name === webhookName);
    return [{ ...ours, ...makeWebhook(options, url, caBundle) }];
  }
  return webhooks.map((webhook) => ({
    ...webhook,
    clientConfig: { ...webhook.clientConfig, caBundle },
  }));
}

/** Names of webhooks have three parts at least. */
const webhookName = 'pods.kuik.enix.io';

/** The webhook of behaviour §3, defaults written out so that what comes back compares equal. */
function makeWebhook(
  { timeoutSeconds }: WebhookConfigurationOptions,
  url: string,
  caBundle: string,
): WebhookObject {
  const rule = { apiGroups: [''], apiVersions: ['v1'], scope: '*' };
  return {
    name: webhookName,
    clientConfig: {
      url: `${url.replace(/\/+$/, '')}${mutatePath}`,
      ...(caBundle === '' ? {} : { caBundle }),
    },
    rules: [
      { ...rule, operations: ['CREATE'], resources: ['pods'] },
      { ...rule, operations: ['UPDATE'], resources: ['pods/ephemeralcontainers'] },
    ],
    admissionReviewVersions: ['v1'],
    failurePolicy: 'Ignore',
    matchPolicy: 'Equivalent',
    reinvocationPolicy: 'IfNeeded',
    sideEffects: 'NoneOnDryRun',
    timeoutSeconds,
  };
}

/** The names that a certificate of our own must carry: the URL's host, else the Service's. */
export function webhookNames(webhook: {
  readonly url: string | undefined;
  readonly service: string;
  readonly namespace: string;
}): readonly string[] {
  if (webhook.url !== undefined) {
    // An IPv6 address stands in brackets in a URL and without in a certificate.
    return [new URL(webhook.url).hostname.replace(/^\[|\]$/g, '')];
  }
  const { service, namespace } = webhook;
  const short = `${service}.${namespace}`;
  return [`${short}.svc`, `${short}.svc.cluster.local`, short];
}
