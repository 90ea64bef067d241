import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { beforeEach, expect, onTestFinished, test } from 'vitest';
import { EventRecorder } from '#actors/event-recorder.ts';
import { availabilityStore } from '#actors/reporting/availability-store.ts';
import { addReporting } from '#actors/reporting/reporting.ts';
import { KuikSystem } from '#actors/system.ts';
import type { KuikKind, KuikResource } from '#api/kinds.ts';
import type { WorkloadPod } from '#core/monitoring/workloads.ts';
import { compileTable } from '#core/routing/table.ts';
import { listen } from '#http/listen.ts';
import { buildMetricsApp } from '#http/metrics.ts';
import { createStore, type StoreWriter } from '#kube/store.ts';
import { eventsIn } from '#test/support/api-server/events.ts';
import { adminClient } from '#test/support/api-server/kube-client.ts';
import { admin } from '#test/support/api-server/plane.ts';
import {
  type AvailabilityStage,
  availabilityStage,
} from '#test/support/monitoring/availability-stage.ts';
import { defaultAgeBuckets, manyTracked } from '#test/support/monitoring/tracked-images.ts';
import { eventually } from '#test/support/time/eventually.ts';
import { createRealRuntime } from '#test/support/time/real-runtime.ts';

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
  const kuik = new Map<KuikKind, StoreWriter<KuikResource>>([[kind, resources]]);
  const pods = createStore<WorkloadPod>();
  pods.put('shop/web-7d9-a', {
    ...{ namespace: 'shop', name: 'web-7d9-a', phase: 'Running', annotations: {} },
    ...{ images: { app }, labels: { 'pod-template-hash': '7d9' } },
    owner: { kind: 'ReplicaSet', name: 'web-7d9' },
  });
  const client = await adminClient();
  const table = compileTable([...resources.values()]);
  const nothing = { resources: () => [], imagesOf: () => [], subscribe: () => () => undefined };
  const pace = { registries: () => [], roundMsOf: () => 0, countsOf: () => new Map() };
  const serve = async (leads: boolean) => {
    const runtime = createRealRuntime();
    const { log, metrics } = runtime;
    const system = Object.assign(new KuikSystem(runtime), { leads: () => leads });
    const events = new EventRecorder(runtime, { client, instance: 'test' });
    const tracked = leads ? stage.images : nothing;
    const status = addReporting(system, {
      ...{ events, paceOf: () => ({ intervalMs: 1, maxPerInterval: 1 }) },
      store: availabilityStore(runtime, { client, namespace: stage.namespace }),
      tracking: { tracked, pace, isPlanned: () => true, onCheck: () => () => {} },
      ...{ resources: { kuik, pods }, table: { current: () => table } },
      conditions: { contribute: () => undefined },
      secrets: { access: { mayRead: async () => true } },
      ageBuckets: defaultAgeBuckets,
    });
    system.start();
    if (leads) system.lead({ unrecordedUntilMs: undefined });
    onTestFinished(() => {
      events.close();
      system.stop();
    });
    const listener = await listen(
      buildMetricsApp({
        metrics: metrics.text,
        status: { ...status, namespaceExists: async () => true },
        log,
      }),
      {
        ...{ port: 0, host: '127.0.0.1' },
      },
    );
    onTestFinished(listener.close);
    return `http://127.0.0.1:${listener.port}`;
  };
  stage.images.put(stage.image(app), stage.image('docker.io/library/nginx:1'));
  [leader, follower] = await Promise.all([serve(true), serve(false)]);
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
