import type { FastifyInstance } from 'fastify';
import type { Log } from '#telemetry/log.ts';
import type { Metrics } from '#telemetry/metrics.ts';
import { createApp } from './app.ts';
import type { AdmitPort } from './ports.ts';
import { mutatePods } from './routes/mutate-pods.ts';

/** What the webhook asks, and what it tells. */
export interface WebhookPorts {
  readonly admit: AdmitPort;
  readonly log: Log;
  readonly metrics: Pick<Metrics, 'admission' | 'webhookError'>;
}

/** How the webhook answers. */
export interface WebhookOptions {
  /** A whole review, in ms (`routing.deadline`); less where the API server says so. */
  readonly deadlineMs: number;
}

/** An UPDATE carries a Pod twice, and one Pod may be 1.5 MiB with its managed fields. */
const reviewBytesMax = 8_388_608;

/** The admission webhook (behaviour §3); it does not listen yet. */
export function buildWebhookApp(ports: WebhookPorts, options: WebhookOptions): FastifyInstance {
  const paths = ['POST /mutate--v1-pod'];
  const app = createApp({ log: ports.log, bodyBytesMax: reviewBytesMax, paths });
  app.register(mutatePods, { ...ports, ...options });
  return app;
}
