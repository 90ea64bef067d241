import type { FastifyInstance } from 'fastify';
import { createApp } from './app.ts';
import { mutatePods, type WebhookOptions, type WebhookPorts } from './routes/mutate-pods.ts';

/** An UPDATE carries a Pod twice, and one Pod may be 1.5 MiB with its managed fields. */
const reviewBytesMax = 8_388_608;

/** The admission webhook (behaviour §3); it does not listen yet. */
export function buildWebhookApp(ports: WebhookPorts, options: WebhookOptions): FastifyInstance {
  const paths = ['POST /mutate--v1-pod'];
  const app = createApp({ log: ports.log, bodyBytesMax: reviewBytesMax, paths });
  app.register(mutatePods, { ...ports, ...options });
  return app;
}
