import { onTestFinished } from 'vitest';
import type { RoutingQuery } from '#core/routing/admission.ts';
import { buildWebhookApp } from '#http/webhook.ts';
import { createLog } from '#telemetry/log.ts';
import { podReview } from './pod-review.ts';

/** The path of the webhook. */
export const webhookPath = '/mutate--v1-pod';

/** A review of a new Pod, the usual one unless told. */
export function reviewOf(pod: object = podOf(), request: object = {}): object {
  return podReview(pod, request);
}

/** A Pod of one container. */
export function podOf(image = 'quay.io/team/app:1', metadata: object = {}, spec: object = {}) {
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: 'app', ...metadata },
    spec: { containers: [{ name: 'app', image }], ...spec },
  };
}

/** What the webhook says to one review. */
export interface ReadAnswer {
  readonly status: number;
  readonly uid: string;
  readonly allowed: boolean;
  /** The patch, `undefined` when the Pod stays as it came. */
  readonly patch: unknown;
  readonly warnings: readonly string[];
  readonly body: string;
}

/** The webhook with one port, and all that it tells about itself. */
export interface WebhookStage {
  readonly review: (body: unknown, query?: string) => Promise<ReadAnswer>;
  readonly send: (payload: string, contentType: string | undefined) => Promise<ReadAnswer>;
  readonly errors: string[];
  readonly admissions: number[];
  readonly logs: () => readonly Record<string, unknown>[];
}

/** Builds the webhook in front of a port; nothing listens. */
export function stageWebhook(
  admit: unknown,
  options: { readonly deadlineMs?: number; readonly log?: unknown; readonly metrics?: object } = {},
): WebhookStage {
  const errors: string[] = [];
  const admissions: number[] = [];
  const lines: string[] = [];
  const metrics = {
    admission: (seconds: number) => admissions.push(seconds),
    webhookError: (kind: string) => errors.push(kind),
    ...options.metrics,
  };
  const log = createLog({
    level: 'debug',
    format: 'json',
    destination: { write: (line) => lines.push(line) },
  });
  const ports = {
    admit: admit as RoutingQuery['admit'],
    log: (options.log ?? log) as typeof log,
    metrics,
  };
  const app = buildWebhookApp(ports, { deadlineMs: options.deadlineMs ?? 1_000 });
  onTestFinished(async () => await app.close());
  const send = async (payload: string, contentType: string | undefined, query = '') => {
    const answer = await app.inject({
      method: 'POST',
      url: `${webhookPath}${query}`,
      headers: contentType === undefined ? {} : { 'content-type': contentType },
      payload,
    });
    return readAnswer(answer.statusCode, answer.body);
  };
  return {
    send: (payload, contentType) => send(payload, contentType),
    review: (body, query = '') => send(JSON.stringify(body), 'application/json', query),
    errors,
    admissions,
    logs: () => lines.map((line) => JSON.parse(line)),
  };
}

/** Reads what the webhook answered, whatever the status. */
export function readAnswer(status: number, body: string): ReadAnswer {
  const { response = {} } = JSON.parse(body) as { readonly response?: Record<string, string> };
  const { uid = '', allowed, patch, warnings = [] } = response;
  return {
    status,
    uid,
    allowed: Boolean(allowed),
    patch: patch === undefined ? undefined : JSON.parse(Buffer.from(patch, 'base64').toString()),
    warnings: [...warnings],
    body,
  };
}
