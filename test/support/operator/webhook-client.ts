import { Pool } from 'undici';
import type { Api } from '#test/support/api-server/api.ts';
import { eventually } from '#test/support/time/eventually.ts';
import type { OperatorProcess } from './operator-process.ts';
import { podReview } from './pod-review.ts';

/** What the webhook made of a Pod. */
export interface ReviewedPod {
  readonly allowed: boolean;
  /** The image of its one container afterwards. */
  readonly image: string;
  readonly pullSecrets: readonly string[];
}

/** Asks the webhook as an API server does, without storing the Pods: thousands are asked in seconds. */
export interface WebhookClient {
  readonly review: (pod: {
    readonly namespace: string;
    readonly image: string;
  }) => Promise<ReviewedPod>;
  /** Closes all connections. */
  readonly close: () => Promise<void>;
}

/** What the API server itself is told to trust; it is told a moment after the operator's start. */
export async function webhookAuthority(admin: Api, release: string): Promise<string> {
  const path = '/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations';
  const bundle = await eventually('the webhook configuration is written', async () => {
    const configuration = await admin.get(`${path}/${release}`);
    return configuration?.webhooks?.[0]?.clientConfig.caBundle as string | undefined;
  });
  return Buffer.from(bundle, 'base64').toString();
}

/** Opens the way to a running operator's webhook. */
export async function openWebhook(
  admin: Api,
  { release, webhookUrl }: Pick<OperatorProcess, 'release' | 'webhookUrl'>,
): Promise<WebhookClient> {
  const ca = await webhookAuthority(admin, release);
  const pool = new Pool(webhookUrl, { connections: 16, connect: { ca }, allowH2: false });
  let sent = 0;
  return {
    review: async ({ namespace, image }) => {
      sent += 1;
      const answer = await pool.request({
        method: 'POST',
        path: '/mutate--v1-pod?timeout=10s',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(reviewOf(namespace, image, sent)),
      });
      return read((await answer.body.json()) as ReviewAnswer, image);
    },
    close: () => pool.close(),
  };
}

interface ReviewAnswer {
  readonly response: { readonly allowed: boolean; readonly patch?: string };
}

interface Operation {
  readonly path: string;
  readonly value: unknown;
}

function read({ response }: ReviewAnswer, image: string): ReviewedPod {
  const { allowed, patch = '' } = response;
  const text = Buffer.from(patch, 'base64').toString();
  const operations: readonly Operation[] = text === '' ? [] : JSON.parse(text);
  const valueAt = (path: string) => operations.find((one) => one.path === path)?.value;
  const secrets = (valueAt('/spec/imagePullSecrets') ?? []) as { readonly name: string }[];
  return {
    allowed,
    image: String(valueAt('/spec/containers/0/image') ?? image),
    pullSecrets: secrets.map(({ name }) => name),
  };
}

function reviewOf(namespace: string, image: string, number: number): object {
  const pod = {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { generateName: 'pod-', namespace },
    spec: { containers: [{ name: 'app', image, imagePullPolicy: 'IfNotPresent' }] },
  };
  return podReview(pod, { uid: `review-${number}`, namespace });
}
