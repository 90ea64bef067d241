import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { beforeEach, expect, onTestFinished, test } from 'vitest';
import { createActor } from 'xstate';
import { recordEvents } from '#actors/leader/record-events.ts';
import { createTimerHeap } from '#actors/timer-heap.ts';
import type { KuikKind, KuikResource } from '#api/kinds.ts';
import { parseConfiguration } from '#config/load.ts';
import type { WorkloadPod } from '#core/monitoring/workloads.ts';
import { compileTable } from '#core/routing/table.ts';
import { listen } from '#http/listen.ts';
import { buildMetricsApp } from '#http/metrics.ts';
import { createStore, type StoreWriter } from '#kube/store.ts';
import { createLog } from '#telemetry/log.ts';
import { createMetrics } from '#telemetry/metrics.ts';
import { eventsIn } from '#test/support/api-server/events.ts';
import { adminClient } from '#test/support/api-server/kube-client.ts';
import { admin } from '#test/support/api-server/plane.ts';
import {
  type AvailabilityStage,
  availabilityStage,
} from '#test/support/monitoring/availability-stage.ts';
import { manyTracked } from '#test/support/monitoring/tracked-images.ts';
import { eventually } from '#test/support/time/eventually.ts';
import { joinTelling } from '../../src/join-telling.ts';

const log = createLog({ level: 'fatal', format: 'json' });
const entryPoint = join(import.meta.dirname, '..', '..', 'src', 'main.ts');
const app = 'quay.io/shop/web:1';

let stage: AvailabilityStage;
/** Where the metrics port of a leader, and of a replica that does not lead, listens. */
let leader: string;
let follower: string;

/** Joined as the operator joins it, on the real API server; the images are told what to be. */
beforeEach(async () => {
  stage = await availabilityStage();
  const resource: KuikResource = await admin().get(stage.path);
  const kind = 'ClusterImageSetAvailability';
  const resources: StoreWriter<KuikResource> = createStore<KuikResource>();
  resources.put(stage.name, { ...resource, kind } as KuikResource);
  const stores = new Map<KuikKind, StoreWriter<KuikResource>>([[kind, resources]]);
  const pods = createStore<WorkloadPod>();
  pods.put('shop/web-7d9-a', {
    ...{ namespace: 'shop', name: 'web-7d9-a', phase: 'Running', annotations: {} },
    ...{ images: { app }, labels: { 'pod-template-hash': '7d9' } },
    owner: { kind: 'ReplicaSet', name: 'web-7d9' },
  });
  const client = await adminClient();
  const clock = createTimerHeap();
  const events = recordEvents({
    ...{ client, clock, log },
    now: Date.now,
    random: Math.random,
    instance: 'test',
  });
  const configuration = parseConfiguration('');
  if (!configuration.ok) throw new Error('Expected the defaults.');
  const table = compileTable([...resources.values()]);
  const serve = async (leads: boolean) => {
    const metrics = createMetrics({ build: { version: 'test' } });
    const telling = joinTelling({
      ...{ client, namespace: stage.namespace, clock, log, metrics, events, stores, pods },
      configuration: configuration.value,
      table: () => table,
      leads: () => leads,
    });
    const nothing = { resources: () => [], imagesOf: () => [], subscribe: () => () => undefined };
    const pace = { registries: () => [], roundMsOf: () => 0, countsOf: () => new Map() };
    const progress = { pace, isPlanned: () => true };
    const shown = telling.show(leads ? stage.images : nothing, progress);
    const services = leads ? shown.leaderServices : [];
    const actors = services.map(({ logic }) => createActor(logic).start());
    onTestFinished(() => {
      for (const actor of actors) actor.stop();
    });
    const page = buildMetricsApp({ metrics: metrics.text, status: shown.status, log });
    const listener = await listen(page, { port: 0, host: '127.0.0.1' });
    onTestFinished(listener.close);
    return `http://127.0.0.1:${listener.port}`;
  };
  stage.images.put(stage.image(app), stage.image('docker.io/library/nginx:1'));
  [leader, follower] = await Promise.all([serve(true), serve(false)]);
  onTestFinished(() => {
    events.close();
    clock.close();
  });
  // What a watch would bring.
  const follow = setInterval(async () => {
    const found = await admin().get(stage.path);
    if (found !== undefined) resources.put(stage.name, { ...found, kind });
  }, 200);
  onTestFinished(() => clearInterval(follow));
});

// biome-ignore lint/suspicious/noExplicitAny: tests assert on JSON whose shape is what they test.
const json = async (url: string): Promise<any> => await (await fetch(url)).json();
const kuik = async (...args: readonly string[]) =>
  (await promisify(execFile)(process.execPath, [entryPoint, 'status', ...args])).stdout;
const notesAbout = async () =>
  (await eventsIn())
    .filter(({ regarding }) => regarding.name === stage.name)
    .map(({ reason, note }) => `${reason}: ${note}`);

test('an image that is lost is told in status, events, metrics, pages and the command line', async () => {
  expect(await kuik('--metrics-url', leader)).toContain('All is well: no workload uses an image');
  stage.images.put(stage.image(app, { status: 'NotFound', lastError: 'manifest unknown' }));
  await eventually('the event', async () => {
    expect(await notesAbout()).toEqual([`ImageUnavailable: ${app} is NotFound: manifest unknown.`]);
    return true;
  });
  await eventually('the status', async () => (await stage.status()).missingCount === 1);
  const metrics = await (await fetch(`${leader}/metrics`)).text();
  expect(metrics).toContain(
    'workload_images_unavailable{namespace="shop",kind="Deployment",name="web",status="NotFound"} 1',
  );
  expect(metrics).toContain('registry="quay.io",status="NotFound",used="true",original="true"} 1');
  const table = await kuik('--metrics-url', leader, '-n', 'shop');
  expect(table).toMatch(/^shop +Deployment\/web +1 {2}NotFound$/m);
  expect(table).toContain('manifest unknown');
  expect(JSON.parse(await kuik('--metrics-url', leader, '-o', 'json'))).toMatchObject({
    workloads: [{ namespace: 'shop', kind: 'Deployment', name: 'web' }],
    ...{ total: 1, imagesInUse: 2, resources: 1 },
  });
  expect(await kuik('--metrics-url', leader, '-n', 'elsewhere')).toContain('All is well');

  stage.images.put(stage.image(app));
  await eventually('the event that it is back', async () => {
    expect(await notesAbout()).toContain(`ImageAvailable: ${app} is Available again.`);
    return true;
  });
});

test('a replica that does not lead answers from the statuses, and shows no image in its metrics', async () => {
  stage.images.put(stage.image(app, { status: 'NotFound', lastError: 'manifest unknown' }));
  const answer = await eventually('it has heard of the status', async () => {
    const images = await json(`${follower}/status/images?groupBy=registry`);
    return images.total === 2 && images.groups['quay.io'][0].status === 'NotFound' && images;
  });
  expect(answer).toEqual(await json(`${leader}/status/images?groupBy=registry`));
  expect(await json(`${follower}/status/workloads`)).toEqual(
    await json(`${leader}/status/workloads`),
  );
  const metrics = await (await fetch(`${follower}/metrics`)).text();
  expect(metrics).not.toMatch(/monitoring_images\{|workload_images_unavailable\{/);
});

test('it answers with what a status has no room for as well', async () => {
  stage.images.put(...manyTracked(2_500).map((image) => ({ ...image, resource: stage.name })));
  const answer = await eventually(
    'all are known there',
    async () => {
      const images = await json(`${follower}/status/images?groupBy=cisa`);
      return images.total === 2_502 && images;
    },
    { withinMs: 30_000 },
  );
  const names = (given: { groups: Record<string, { image: string }[]> }) =>
    given.groups[stage.name]?.map(({ image }) => image).sort();
  expect(names(answer)).toEqual(names(await json(`${leader}/status/images?groupBy=cisa`)));
});
