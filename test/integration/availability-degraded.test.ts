import { setTimeout as delay } from 'node:timers/promises';
import { Agent, request } from 'undici';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { canBeInPod } from '#test/support/api-server/in-pod.ts';
import { admin } from '#test/support/api-server/plane.ts';
import {
  type DegradedStage,
  setDegradedStage,
  type Told,
} from '#test/support/operator/degraded-stage.ts';
import { podReview } from '#test/support/operator/pod-review.ts';
import { openWebhook } from '#test/support/operator/webhook-client.ts';
import { residentBytesMax } from '#test/support/processes/heap.ts';
import { eventually } from '#test/support/time/eventually.ts';

/** One operator loses what it stands on, one thing after the other, and is the same after each. */
let stage: DegradedStage;
/** What has been there from the beginning: by address and by name. */
const images: string[] = [];

/** The chart's probe waits for five; who does not answer in one here stands still. */
const probeTimeoutMs = 1_000;
/** Of the stage's operator. */
const leaseMs = 3_000;
const well = { status: 'Available', copy: 'Available' };

beforeAll(async () => {
  stage = await setDegradedStage();
  for (const by of ['address', 'name'] as const) images.push((await stage.addPod(by)).image);
  for (const image of images) await until(image, well);
});

afterAll(async () => await stage?.close());

/** A test that failed in the middle takes no other along. */
afterEach(async () => {
  stage.setDns(true);
  stage.setClock(0);
  for (const one of [stage.source, stage.mirror, stage.proxy]) await one.accept();
});

async function until(image: string, expected: Partial<Told>): Promise<void> {
  await eventually(
    `${image} is ${Object.values(expected).join(', ')}`,
    async () => {
      expect(await stage.told(image)).toMatchObject(expected);
      return true;
    },
    { withinMs: 30_000 },
  );
}

async function isReadyAndWell(): Promise<void> {
  for (const path of ['readyz', 'healthz']) {
    expect((await fetch(`${stage.operator.healthUrl}/${path}`)).status).toBe(200);
  }
}

async function leads(): Promise<boolean> {
  const text = await (await fetch(`${stage.operator.metricsUrl}/metrics`)).text();
  return /^kube_image_keeper_manager_is_leader 1$/m.test(text);
}

/** Requests that change something on the mirror. */
function writes(): number {
  return stage.mirror.requests().filter(({ method }) => !/^(GET|HEAD)$/.test(method)).length;
}

/** Many at once, each of a Pod with so many variables; what the budget of bodies closes is no answer. */
async function sendLargeReviews(
  url: string,
  options: { readonly namespace: string; readonly count: number; readonly variables: number },
): Promise<void> {
  const { namespace, count, variables } = options;
  const env = Array.from({ length: variables }, (_, index) => ({
    name: `VARIABLE_${index}`,
    value: `${index}-${'x'.repeat(80)}`,
  }));
  const pod = {
    ...{ apiVersion: 'v1', kind: 'Pod', metadata: { name: 'large', namespace } },
    spec: { containers: [{ name: 'app', image: images[0], env }] },
  };
  const body = JSON.stringify(podReview(pod, { uid: 'large', namespace }));
  const dispatcher = new Agent({ connections: count, connect: { rejectUnauthorized: false } });
  const send = async () => {
    const answer = await request(`${url}/mutate--v1-pod`, {
      ...{ method: 'POST', dispatcher, body },
      headers: { 'content-type': 'application/json' },
    });
    await answer.body.dump();
  };
  await Promise.allSettled(Array.from({ length: count }, send));
  await dispatcher.close();
}

describe.runIf(canBeInPod())('an operator', () => {
  test('needs no disk that it could write to', async () => {
    expect(stage.mounts()).toMatch(/^\S+ \/ \S+ ro,/m);
    await isReadyAndWell();
    expect(stage.operator.logs()).not.toMatch(/EROFS|ENOENT.*(tmp|cache)/);
  });

  test('keeps what it knows while all registries are away, and goes on when they are back', async () => {
    const [image = ''] = images;
    const before = await stage.told(image);
    await Promise.all([stage.source.refuse(), stage.mirror.refuse()]);
    await until(image, { status: 'Unreachable' });
    const { image: late, warnings } = await stage.addPod();
    expect(warnings.join()).toMatch(/nothing is available; tried .*Unreachable/);
    await until(late, { copy: 'BackingOff' });
    // That nobody answers is no news of a copy: it is neither lost nor anybody's to delete.
    expect(await stage.told(image)).toMatchObject({
      copy: 'Available',
      mirroredAt: before.mirroredAt,
    });
    await isReadyAndWell();
    await Promise.all([stage.source.accept(), stage.mirror.accept()]);
    for (const one of [image, late]) await until(one, well);
  });

  test('holds nobody up while names are not resolved', async () => {
    const [byAddress = '', byName = ''] = images;
    stage.setDns(false);
    // Whoever has a connection needs no name.
    await stage.source.refuse();
    await stage.source.accept();
    const startedMs = performance.now();
    const { image: late } = await stage.addPod('name');
    expect(performance.now() - startedMs).toBeLessThan(5_000);
    await until(late, { status: 'Unreachable' });
    await eventually('it says that the name was not found', async () => {
      const { lastError = '' } = await stage.told(late);
      return /dns|resolve|ENOTFOUND|EAI_AGAIN|timeout/i.test(lastError);
    });
    await until(byAddress, well);
    await isReadyAndWell();
    stage.setDns(true);
    for (const one of [byName, late]) await until(one, well);
  });

  test('routes and changes nothing while the API server is away, and catches up', async () => {
    const webhook = await openWebhook(admin(), stage.operator);
    const [image = ''] = images;
    await eventually('it leads', leads);
    await stage.proxy.refuse();
    stage.proxy.watches.cut();
    await eventually('it has let go of its Lease', async () => !(await leads()));
    const [writesBefore, { image: late }] = [writes(), await stage.addPod()];
    const { namespace } = stage;
    for (let second = 0; second < 2; second += 1) {
      expect((await webhook.review({ namespace, image })).allowed).toBe(true);
      await isReadyAndWell();
      await delay(1_000);
    }
    expect(writes()).toBe(writesBefore);
    await stage.proxy.accept();
    await eventually('it leads again', leads);
    for (const one of [image, late]) await until(one, well);
    await webhook.close();
  });

  test.each([
    ['an hour forwards', 3_600_000],
    ['an hour backwards', -3_600_000],
  ])('makes no burst and loses no Lease when the clock jumps %s', async (_, offsetMs) => {
    const asked = () => stage.source.requests().length;
    const crashes = () => stage.operator.logs().match(/this process does not lead/g)?.length ?? 0;
    const perWindow = async () => {
      const before = asked();
      await delay(2_000);
      return asked() - before;
    };
    const [usual, termsBefore] = [await perWindow(), crashes()];
    stage.setClock(offsetMs);
    // As many as the pace allows, and a few that were due.
    expect(await perWindow()).toBeLessThanOrEqual(usual + 6);
    expect(await leads()).toBe(true);
    expect(crashes()).toBe(termsBefore);
    await isReadyAndWell();
    const { image } = await stage.addPod();
    await until(image, well);
    const { lastMonitor = '' } = await stage.told(image);
    expect(Math.abs(Date.parse(lastMonitor) - (Date.now() + offsetMs))).toBeLessThan(60_000);
    stage.setClock(0);
  });

  test('whose event loop stands still answers no probe; when it goes on it is well, and had let go', async () => {
    const { pid, healthUrl } = stage.operator;
    const probe = async () => {
      const signal = AbortSignal.timeout(probeTimeoutMs);
      const answer = await fetch(`${healthUrl}/healthz`, { signal }).catch(() => undefined);
      return answer?.status;
    };
    await eventually('it leads', leads);
    const ended = () => stage.operator.logs().match(/this process does not lead/g)?.length ?? 0;
    const before = ended();
    process.kill(pid, 'SIGSTOP');
    expect(await probe()).toBeUndefined();
    await delay(leaseMs);
    process.kill(pid, 'SIGCONT');
    expect(await probe()).toBe(200);
    await eventually('it has noticed', () => ended() > before);
    await eventually('it leads again', leads);
    await isReadyAndWell();
  });

  test('is not ended by more reviews than its memory holds', async () => {
    const webhook = await openWebhook(admin(), stage.operator);
    const { namespace, operator } = stage;
    await sendLargeReviews(operator.webhookUrl, { namespace, count: 150, variables: 5_000 });
    expect((await webhook.review({ namespace, image: images[0] ?? '' })).allowed).toBe(true);
    await isReadyAndWell();
    expect(residentBytesMax(operator.pid)).toBeLessThan(512 * 1024 * 1024);
    expect(operator.logs().match(/kuik is starting/g)).toHaveLength(1);
    await webhook.close();
  });
});
