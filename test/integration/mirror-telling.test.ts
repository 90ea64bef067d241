import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { beforeEach, expect, onTestFinished, test } from 'vitest';
import { addConditions } from '#actors/conditions/conditions.ts';
import { EventRecorder } from '#actors/event-recorder.ts';
import { addMirrorReporting, type ReportedPod } from '#actors/reporting/mirror-reporting.ts';
import { addMirrorStatus } from '#actors/reporting/mirror-status.ts';
import { mirrorStore } from '#actors/reporting/mirror-store.ts';
import { KuikSystem } from '#actors/system.ts';
import type { KuikKind, KuikResource } from '#api/kinds.ts';
import { compileTable, type RoutingTable } from '#core/routing/table.ts';
import { listen } from '#http/listen.ts';
import { buildMetricsApp } from '#http/metrics.ts';
import { createStore, type StoreWriter } from '#kube/store.ts';
import { eventsIn } from '#test/support/api-server/events.ts';
import { adminClient } from '#test/support/api-server/kube-client.ts';
import { admin } from '#test/support/api-server/plane.ts';
import { type MirrorStage, mirrorStage } from '#test/support/mirroring/mirror-stage.ts';
import { copyOf, digestOf, manyMirrored } from '#test/support/mirroring/mirrored-images.ts';
import { eventually } from '#test/support/time/eventually.ts';
import { createRealRuntime } from '#test/support/time/real-runtime.ts';

const entryPoint = join(import.meta.dirname, '..', '..', 'src', 'main.ts');
const kind = 'ClusterImageSetMirror';
const app = 'quay.io/shop/web:1';
const old = 'quay.io/shop/old:1';
const startedMs = Date.parse('2026-03-01T12:00:00Z');
const nothing = { resources: () => [], imagesOf: () => [], subscribe: () => () => undefined };

let stage: MirrorStage;
/** Where the metrics port of a leader, and of a replica that does not lead, listens. */
let leader: string;
let follower: string;
let resources: StoreWriter<KuikResource>;
let table: RoutingTable;

/** Joined as the operator joins it, on the real API server; the images are told what to be. */
beforeEach(async () => {
  stage = await mirrorStage(kind);
  await admin().merge(stage.path, {
    spec: {
      mirrors: [{ registry: 'mirror-0.example.com' }],
      cleanup: { enabled: true, retention: '2h' },
    },
  });
  resources = createStore<KuikResource>();
  const take = async () => {
    const found = await admin().get(stage.path);
    if (found !== undefined) resources.put(stage.name, { ...found, kind });
    table = compileTable([...resources.values()]);
  };
  await take();
  resources.finishList(new Set([stage.name]));
  stage.images.put(stage.image(app), stage.image(old, [{}], { unusedSinceMs: startedMs }));
  [leader, follower] = await Promise.all([serve(true), serve(false)]);
  // What a watch would bring.
  const follow = setInterval(take, 200);
  onTestFinished(() => clearInterval(follow));
});

async function serve(leads: boolean): Promise<string> {
  const kuik = new Map<KuikKind, StoreWriter<KuikResource>>([[kind, resources]]);
  const client = await adminClient();
  const runtime = createRealRuntime();
  const { log, metrics, now } = runtime;
  const system = Object.assign(new KuikSystem(runtime), { leads: () => leads });
  const events = new EventRecorder(runtime, { client, instance: 'test' });
  const images = leads ? stage.images : nothing;
  const store = mirrorStore(runtime, { client, namespace: stage.namespace });
  const current = () => table;
  const subscribe = (listener: (now: RoutingTable) => void) =>
    resources.subscribe(() => listener(table));
  const conditions = addConditions(system, {
    ...{ client, stores: kuik, table: { current, subscribe }, events },
  });
  addMirrorStatus(system, {
    ...{ images, store },
    overflow: { client, namespace: stage.namespace, resources: createStore<KuikResource>() },
  });
  const mirroring = addMirrorReporting(system, {
    ...{ images, store, events, conditions, isPlanned: () => true, queues: () => [] },
    running: () => [
      {
        ...{ target: 'mirror-0.example.com', image: app, startedMs: now() - 2_000 },
        ...{ bytesDone: 4_194_304, bytesTotal: 8_388_608 },
      },
    ],
    resources: { kuik, pods: createStore<ReportedPod>() },
    table: { current },
  });
  system.start();
  if (leads) system.lead({ unrecordedUntilMs: undefined });
  onTestFinished(() => {
    events.close();
    system.stop();
  });
  const status = {
    images: async () => nothing,
    workloads: async () => ({
      workloads: [],
      imagesInUse: 0,
      imagesUnchecked: 0,
      imagesNodeOnly: 0,
      imagesUnreadable: 0,
      resources: 0,
    }),
    namespaceExists: async () => true,
  };
  const ports = { metrics: metrics.text, status, mirroring: { ...mirroring, now }, log };
  const listener = await listen(buildMetricsApp(ports), { port: 0, host: '127.0.0.1' });
  onTestFinished(listener.close);
  return `http://127.0.0.1:${listener.port}`;
}

// biome-ignore lint/suspicious/noExplicitAny: tests assert on JSON whose shape is what they test.
const json = async (url: string): Promise<any> => await (await fetch(url)).json();
const kuik = async (command: string, ...args: readonly string[]) =>
  (await promisify(execFile)(process.execPath, [entryPoint, command, ...args])).stdout;
const eventsOfStage = async () =>
  (await eventsIn()).filter(({ regarding }) => regarding.name === stage.name);
const conditionOf = async (type: string) =>
  (await stage.status())?.conditions?.find((one: { type: string }) => one.type === type);

test('a copy that fails is told in status, condition, event, pages and the command line', async () => {
  await eventually('it is ready', async () => (await conditionOf('Ready'))?.status === 'True');
  expect((await conditionOf('Ready')).message).toBe('All 2 images are mirrored.');
  stage.images.put(stage.image(app, [{ state: 'Failed', lastError: 'denied', failure: 'denied' }]));
  await eventually('it is not', async () => (await conditionOf('Ready'))?.status === 'False');
  expect(await conditionOf('Ready')).toMatchObject({
    reason: 'CopyFailed',
    message: `1 of 2 images are mirrored; 1 image failed, first ${app} to mirror-0.example.com/shop/web:1: denied.`,
  });
  expect(await stage.status()).toMatchObject({ imageCount: 2, mirroredCount: 1, failedCount: 1 });
  await eventually('the event', async () => {
    const reasons = (await eventsOfStage()).map(({ type, reason }) => `${type} ${reason}`);
    return reasons.includes('Warning CopyFailed');
  });
  const { body } = await admin().call('GET', stage.path, {
    accept: 'application/json;as=Table;v=v1;g=meta.k8s.io',
  });
  const columns = body.columnDefinitions.map(({ name }: { name: string }) => name);
  const cells = Object.fromEntries(
    columns.map((name: string, index: number) => [name, body.rows[0].cells[index]]),
  );
  expect(cells).toMatchObject({ Images: 2, Mirrored: 1, Failed: 1, Ready: 'False' });
  const text = await kuik('status', '--metrics-url', leader);
  expect(text).toContain(
    `${app} -> mirror-0.example.com\n    copying: 4 MiB of 8 MiB (50 %), 2 MiB/s`,
  );
  expect(text).toContain(`1 copy failed, first ${app} (Failed): denied`);
  const told = JSON.parse(await kuik('status', '--metrics-url', follower, '-o', 'json')).mirroring;
  expect(told).toMatchObject({ leads: false, images: 2, mirrored: 1, failed: 1, running: [] });
  expect(told.faults).toMatchObject([{ image: app, lastError: 'denied' }]);
});

test('a registry that does not answer, and a collision, are told as such', async () => {
  const away = { state: 'BackingOff', lastError: 'no answer', failure: 'unreachable' } as const;
  stage.images.put(stage.image(app, [away]));
  await eventually(
    'the first',
    async () => (await conditionOf('Ready'))?.reason === 'RegistryUnreachable',
  );
  stage.images.put(stage.image(old, [{ state: 'Collision', lastError: 'another is there' }]));
  await eventually('the second', async () => (await conditionOf('Ready'))?.reason === 'Collision');
  stage.images.put(stage.image(app), stage.image(old));
  await eventually('neither', async () => (await conditionOf('Ready'))?.reason === 'Ready');
});

test('a tag that moved is a condition and an event', async () => {
  const to = digestOf('something else');
  stage.images.put(stage.image(app, [{}], { presentSourceDigest: to }));
  const condition = await eventually('the condition', () => conditionOf('SourceChanged'));
  expect(condition).toMatchObject({ status: 'True', reason: 'TagMoved' });
  expect(condition.message).toContain(to);
  await eventually('the event', async () => {
    const notes = (await eventsOfStage()).filter(({ reason }) => reason === 'SourceChanged');
    return notes.length === 1 && notes[0]?.note?.includes(app);
  });
  stage.images.put(stage.image(app, [{}], { presentSourceDigest: digestOf(app) }));
  await eventually('it is taken back', async () => {
    return (await conditionOf('SourceChanged'))?.status === 'False';
  });
});

test('what is to go is told by any replica, with what a status has no room for', async () => {
  const many = manyMirrored(1_200, 1, stage.resource).map((image) => ({
    ...image,
    copies: [copyOf(image.image, 0)],
    unusedSinceMs: startedMs,
  }));
  stage.images.put(...many);
  await eventually('the status', async () => (await stage.status())?.imageCount === 1_202);
  await eventually('the follower', async () => {
    const { total } = await json(`${follower}/status/cleanup`);
    return total === 1_201;
  });
  const item = {
    ...{ resource: stage.resource, image: old, copy: 'mirror-0.example.com/shop/old:1' },
    ...{ mirror: 'mirror-0.example.com', state: 'Available', why: 'unused', runs: false },
    ...{ unusedSince: '2026-03-01T12:00:00Z', retentionSeconds: 7_200 },
  };
  for (const replica of [leader, follower]) {
    const { items } = await json(`${replica}/status/cleanup`);
    expect(items).toContainEqual(expect.objectContaining(item));
  }
  const text = await kuik('cleanup', '--dry-run', '--metrics-url', follower);
  expect(text).toContain(`now                   ${item.copy}\n`);
  expect(text.replaceAll(/\s+/g, ' ')).toContain(
    `unused since 2026-03-01T12:00:00Z, kept for 2h by ${stage.resource}`,
  );
  expect(text).toContain('1201 copies are to be deleted if nothing changes, 1201 of them now.');
});
