import { setTimeout as delay } from 'node:timers/promises';
import { Agent, request } from 'undici';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { runAvailability } from '#test/support/operator/availability-run.ts';
import {
  type AvailabilityStage,
  setAvailabilityStage,
} from '#test/support/operator/availability-stage.ts';
import { podReview } from '#test/support/operator/pod-review.ts';
import { eventually } from '#test/support/time/eventually.ts';

/** The bar of `npm run bench -- availability`, in a tenth of its time. */
const plan = { admissions: 150, perSecond: 15, kills: 1, killAfterMs: 1_000, restarts: 1 };
/** One second there; here a replica's start takes a core for a good part of so short a run. */
const p99MsMax = 2_500;
/** From SIGTERM on it is not ready; a loaded machine takes a look at its signals a moment later. */
const readyWithinMs = 1_000;
/** Nothing waits for the Lease to run out: the next attempt is at most 0.6 s away. */
const handOverMsMax = 2_500;
/** Behaviour §8: reviews are accepted for so long after SIGTERM. */
const acceptedMs = 5_000;

let stage: AvailabilityStage;

beforeAll(async () => {
  stage = await setAvailabilityStage();
});

afterAll(async () => await stage?.close());

test('three replicas admit every Pod while leaders are killed and the API server restarts', async () => {
  const { admitted, refused, unrouted, p99Ms, takeOversMs } = await runAvailability(stage, plan);
  expect(refused).toEqual([]);
  expect(admitted).toBeGreaterThanOrEqual(plan.admissions);
  // Only those that were on their way to a replica that was killed, or not known to be gone.
  expect(unrouted).toBeLessThan(admitted / 4);
  expect(p99Ms).toBeLessThan(p99MsMax);
  // A Lease of 3 s, an attempt each 0.5 to 0.6 s, and one look at who leads.
  for (const ms of takeOversMs) expect(ms).toBeLessThan(6_000);
  await stage.converged(stage.images.length);
  // A copy is deleted half a minute after a status said so, by one who led for as long: none could be.
  expect(stage.deletions()).toEqual([]);
  expect(stage.replicas.logs()).not.toMatch(/an actor crashed/);
});

test('a leader that is told to end hands over at once, and no Pod is missed meanwhile', async () => {
  const { plane, replicas, namespace, images, rewritten } = stage;
  const [image = ''] = images;
  const { replica, identity } = await replicas.leader();
  const ended = replicas.end(replica);
  // What it has said so far is gathered first: only then is it told.
  const toldMs = await eventually('it is told', () => readToldMs(replica.operator.logs()));
  await eventually('it is not ready', async () => {
    return (await fetch(`${replica.healthUrl}/readyz`)).status === 503;
  });
  expect(Date.now() - toldMs).toBeLessThan(readyWithinMs);
  // It is being stopped, and that is nothing to end it for.
  expect((await fetch(`${replica.healthUrl}/healthz`)).status).toBe(200);
  expect((await replicas.leader()).identity).not.toBe(identity);
  expect(Date.now() - toldMs).toBeLessThan(handOverMsMax);
  const pod = { metadata: { name: 'app' }, spec: { containers: [{ name: 'app', image }] } };
  const body = JSON.stringify(podReview(pod, { uid: 'late', namespace }));
  const answer = await request(`https://127.0.0.1:${replica.webhookPort}/mutate--v1-pod`, {
    ...{ method: 'POST', headers: { 'content-type': 'application/json' }, body },
    dispatcher: new Agent({ connect: { rejectUnauthorized: false } }),
  });
  expect([answer.statusCode, answer.headers['connection']]).toEqual([200, 'close']);
  let pods = 0;
  for (let isOver = false; !isOver; pods += 1) {
    const created = await plane.admin.create(`/api/v1/namespaces/${namespace}/pods`, {
      ...{ apiVersion: 'v1', kind: 'Pod', metadata: { name: `handed-over-${pods}` } },
      spec: { containers: [{ name: 'app', image }] },
    });
    expect(created.body.spec.containers[0].image).toBe(rewritten(image));
    isOver = await Promise.race([ended.then(() => true), delay(50, false)]);
  }
  expect(Date.now() - toldMs).toBeGreaterThan(acceptedMs);
  expect(pods).toBeGreaterThan(10);
});

/** When its log says that the signal came, in wall time. */
function readToldMs(logs: string): number | undefined {
  const line = logs.split('\n').find((one) => one.includes('"signal":"SIGTERM"'));
  return line === undefined ? undefined : Date.parse(JSON.parse(line).time);
}
