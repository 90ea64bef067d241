import type { FastifyInstance } from 'fastify';
import { createApp } from './app.ts';
import { type BodyBounds, readBodies } from './read-bodies.ts';
import { mutatePods, type WebhookOptions, type WebhookPorts } from './routes/mutate-pods.ts';

/**
 * An UPDATE carries a Pod twice, each up to 1.5 MiB as the API server stores it with its managed
 * fields, and to 9 MiB as JSON writes it.
 */
const reviewBounds: BodyBounds = {
  bytesMax: 20 * 1024 * 1024,
  plainBytesMax: 8 * 1024 * 1024,
  // Twice what is in a Pod of 1.5 MiB that is all volumes; parsed they are 50 MB.
  partsMax: 1_000_000,
  allBytesMax: 64 * 1024 * 1024,
};

/** The admission webhook (behaviour §3); it does not listen yet. */
export function buildWebhookApp(ports: WebhookPorts, options: WebhookOptions): FastifyInstance {
  const paths = ['POST /mutate--v1-pod'];
  const app = createApp({ log: ports.log, paths });
  readBodies(app, reviewBounds);
  app.register(mutatePods, { ...ports, ...options });
  return app;
}
