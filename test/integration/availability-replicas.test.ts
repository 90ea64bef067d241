import { afterAll, beforeAll, expect, test } from 'vitest';
import { runAvailability } from '#test/support/operator/availability-run.ts';
import {
  type AvailabilityStage,
  setAvailabilityStage,
} from '#test/support/operator/availability-stage.ts';

/** The bar of `npm run bench -- availability`, in a tenth of its time. */
const plan = { admissions: 250, perSecond: 20, kills: 2, killAfterMs: 1_000, restarts: 1 };
const p99MsMax = 1_000;

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
