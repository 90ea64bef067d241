import type { FastifyInstance } from 'fastify';
import type { Log } from '#telemetry/log.ts';
import { createApp } from './app.ts';
import { refusePages } from './refuse-pages.ts';
import { type StatusImagesPorts, statusImages } from './routes/status-images.ts';
import { type StatusMirroringPorts, statusMirroring } from './routes/status-mirroring.ts';
import { type StatusWorkloadsPorts, statusWorkloads } from './routes/status-workloads.ts';
import type { OwnNames } from './same-origin.ts';
import { StatusAnswers } from './status-answers.ts';

/** What is shown at the metrics port. */
export interface MetricsPorts {
  /** The exposition text of all metrics and its content type. */
  readonly metrics: () => Promise<{ readonly contentType: string; readonly body: string }>;
  /** What monitoring knows; without it there is only `/metrics`. */
  readonly status?: StatusImagesPorts & StatusWorkloadsPorts;
  /** What mirroring knows. */
  readonly mirroring?: StatusMirroringPorts;
  readonly log: Log;
}

const statusPaths = [
  'GET /status/images?groupBy=cisa|registry',
  'GET /status/workloads?namespace=',
];
const mirroringPaths = ['GET /status/mirroring', 'GET /status/cleanup'];

/** `GET /metrics`: what Prometheus scrapes; `/status/…`: what is monitored, for programs. */
export function buildMetricsApp(
  { metrics, status, mirroring, log }: MetricsPorts,
  own: OwnNames = {},
): FastifyInstance {
  const paths = [
    'GET /metrics',
    ...(status === undefined ? [] : statusPaths),
    ...(mirroring === undefined ? [] : mirroringPaths),
  ];
  const app = createApp({ log, paths });
  refusePages(app, { own, hostOf: 'loopback' });
  const scrapes = new StatusAnswers({ keeps: false });
  const scrape = async () => {
    const { contentType: type, body } = await metrics();
    return { type, body: Buffer.from(body) };
  };
  app.get('/metrics', (_request, reply) => scrapes.send(reply, { key: 'metrics', make: scrape }));
  const answers = new StatusAnswers({ keeps: true });
  if (status !== undefined) {
    app.register(statusImages, { images: status.images, answers });
    app.register(statusWorkloads, { ...status, answers });
  }
  if (mirroring !== undefined) app.register(statusMirroring, { ...mirroring, answers });
  return app;
}
