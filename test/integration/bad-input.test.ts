import { randomBytes } from 'node:crypto';
import { Agent, request } from 'undici';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { admin, adminKubeconfig } from '#test/support/api-server/plane.ts';
import { createPod as createIn, oneContainer } from '#test/support/operator/created-pod.ts';
import { type OperatorProcess, startOperator } from '#test/support/operator/operator-process.ts';
import { podOf, type ReadAnswer, readAnswer, reviewOf } from '#test/support/operator/reviews.ts';
import { type RoutedStage, startRoutedStage } from '#test/support/operator/routed-stage.ts';
import { eventually } from '#test/support/time/eventually.ts';

/** What people and programs get wrong, sent to the TLS webhook of an operator in its own process. */
let operator: OperatorProcess;
let stage: RoutedStage;
let agent: Agent;

beforeAll(async () => {
  operator = await startOperator({
    adminKubeconfig: adminKubeconfig(),
    config: { routing: { activeCheck: { timeout: '5s' }, deadline: '8s' } },
  });
  stage = await startRoutedStage(operator);
  // Its certificate is its own affair and tested elsewhere.
  agent = new Agent({ connect: { rejectUnauthorized: false }, allowH2: false });
});

afterAll(async () => {
  await agent?.close();
  await stage?.close();
  await operator?.stop();
});

async function send(body: string): Promise<ReadAnswer> {
  const answer = await request(`${operator.webhookUrl}/mutate--v1-pod?timeout=10s`, {
    method: 'POST',
    dispatcher: agent,
    headers: { 'content-type': 'application/json' },
    body,
  });
  return readAnswer(answer.statusCode, await answer.body.text());
}

/** A review of a Pod that the set is about; `metadata` as JSON text, since no object holds it all. */
function reviewText(metadata = '"labels":{"app":"web"}', container = 'app'): string {
  const pod = `{"metadata":{${metadata}},"spec":{"containers":[{"name":"${container}","image":"${stage.image}"}]}}`;
  const review = reviewOf({ here: true }, { namespace: stage.namespace, dryRun: true });
  return JSON.stringify(review).replace('{"here":true}', pod);
}

const rewriting = (): unknown =>
  expect.arrayContaining([{ op: 'replace', path: '/spec/containers/0/image', value: stage.equal }]);

describe('a review that is none', () => {
  test('is refused or let pass, and the next one is answered', async () => {
    await stage.routed();
    const refused = ['', 'no JSON', '{', '[]', 'null', '{}', '{"request":{}}', '"x"'];
    for (const body of refused) {
      const answer = await send(body);
      expect(answer.status, body).toBe(400);
      expect(JSON.parse(answer.body).error, body).toMatch(/./);
    }
    const passed = [
      { ...reviewOf(), kind: 'Nonsense' },
      { ...reviewOf(), apiVersion: 'admission.k8s.io/v7' },
      reviewOf(podOf(), { kind: { group: 'apps', version: 'v1', kind: 'Deployment' } }),
      reviewOf(podOf(), { object: null }),
      reviewOf({ spec: { containers: 'none' } }),
      reviewOf({ spec: { containers: [null, 7, { name: 1, image: {} }], volumes: {} } }),
      reviewOf({ metadata: { labels: [], annotations: 7 }, spec: {} }),
    ];
    for (const review of passed) {
      const answer = await send(JSON.stringify(review));
      expect(answer).toMatchObject({ status: 200, allowed: true, patch: undefined });
    }
    expect((await send(reviewText())).patch).toEqual(rewriting());
  });

  test('is taken up to 8 MiB; beyond that it is refused, and the process lives', async () => {
    await stage.routed();
    const sized = (bytes: number) => {
      const labels = '"labels":{"app":"web"},"managedFields":';
      const rest = reviewText(`${labels}""`).length;
      return reviewText(`${labels}"${'x'.repeat(bytes - rest)}"`);
    };
    const limit = 8 * 1_048_576;
    expect((await send(sized(limit))).patch).toEqual(rewriting());
    const refused = await send(sized(limit + 1)).catch(() => 'cut off');
    if (refused !== 'cut off') expect(refused).toMatchObject({ status: 413 });
    const all = Array.from({ length: 4 }, () => send(sized(3 * limit)).catch(() => undefined));
    await Promise.all(all);
    expect((await send(reviewText())).patch).toEqual(rewriting());
  });
});

describe('names that are special elsewhere', () => {
  test('are names like others in labels, annotations and containers', async () => {
    await stage.routed();
    const pairs = '"__proto__":"a","constructor":"b","toString":"c"';
    const metadata = `"labels":{"app":"web",${pairs}},"annotations":{${pairs}}`;
    for (const container of ['__proto__', 'constructor', 'hasOwnProperty']) {
      const { allowed, patch } = await send(reviewText(metadata, container));
      expect(allowed).toBe(true);
      expect(patch).toEqual(rewriting());
      const original = `{"${container}":"${stage.image}"}`;
      expect(JSON.stringify(patch)).toContain(JSON.stringify(original));
    }
    const { patch } = await send(reviewText('"labels":{"__proto__":{"app":"web"}}'));
    expect(patch).toBeUndefined();
  });
});

/** A Pod of the stage, and the operator was asked about it. */
async function createPod(spec: object, metadata: object = {}) {
  const before = await operator.reviews();
  const labelled = { labels: { app: 'web' }, ...metadata };
  const created = await createIn(stage.namespace, spec, { metadata: labelled });
  expect(await operator.reviews()).toBeGreaterThan(before);
  return created;
}

describe('a Pod', () => {
  test.each([
    ['of 10,000 characters', (host: string) => `${host}/team/${'a'.repeat(10_000)}:1`],
    ['with a blank in it', (host: string) => `${host}/team/app:1 latest`],
    ['with two tags', (host: string) => `${host}/team/app:1:2`],
    ['in capitals', (host: string) => `${host}/TEAM/App:1`],
    ['with a line break', (host: string) => `${host}/team/app\n:1`],
  ])('with an image %s gets in as it is', async (_, make) => {
    await stage.routed();
    const image = make(stage.hosts.open);
    const { pod } = await createPod(oneContainer(image));
    expect(pod.spec.containers[0].image).toBe(image);
    expect(pod.metadata.annotations).toBeUndefined();
    await eventually('the log warns once', () => {
      const part = JSON.stringify(image.slice(0, 200)).slice(1, -1);
      const lines = operator
        .logs()
        .split('\n')
        .filter((line) => line.includes(part));
      return lines.some((line) => JSON.parse(line).level === 'warn');
    });
  });

  test.each(['no JSON', '[]', '{"app":7}', '{"__proto__":{"app":"x"}}', 'null', ''])(
    'whose annotation of ours is %j is routed, and the annotation made right',
    async (nonsense) => {
      await stage.routed();
      const annotations = { 'kuik.enix.io/original-images': nonsense };
      const { pod } = await createPod(oneContainer(stage.image), { annotations });
      expect(pod.spec.containers[0].image).toBe(stage.equal);
      expect(JSON.parse(pod.metadata.annotations['kuik.enix.io/original-images'])).toEqual({
        app: stage.image,
      });
    },
  );

  test('whose annotations leave no room for ours gets in as it came, with a warning', async () => {
    await stage.routed();
    const annotations = { big: 'x'.repeat(256 * 1_024 - 10) };
    const { pod, warnings } = await createPod(oneContainer(stage.image), { annotations });
    expect(pod.spec.containers[0].image).toBe(stage.image);
    expect(Object.keys(pod.metadata.annotations)).toEqual(['big']);
    expect(warnings.join()).toMatch(/^kuik: .*262144 bytes of annotations/);
  });
});

describe('patterns that are built to explode', () => {
  const kind = '/apis/kuik.enix.io/v1alpha1/clusterimagesetmirrors';
  const mirrors = [{ registry: 'mirror.example.com' }];

  test.each([
    '(.?){900}(.?){900}(.?){900}z',
    '((a{1,100}){1,100}){1,100}',
    '((((.*)*)*)*)*z',
    '(.*a){500}',
    '(a|aa)+$',
    '([a-z0-9./:-]+)+!',
  ])('%s is refused, or InvalidSpec, or harmless', async (pattern) => {
    await stage.routed();
    const name = `explode-${randomBytes(4).toString('hex')}`;
    const created = await admin().call('POST', kind, {
      body: {
        apiVersion: 'kuik.enix.io/v1alpha1',
        kind: 'ClusterImageSetMirror',
        metadata: { name },
        spec: { imageFilter: { include: Array(16).fill(pattern) }, mirrors },
      },
    });
    try {
      if (created.status !== 201) {
        expect(created.status).toBe(422);
        expect(created.body.message).toContain('spec.imageFilter');
      } else await judged(name);
      const startedMs = performance.now();
      const long = `${stage.hosts.open}/${'a/'.repeat(120)}a:1`;
      const { allowed } = await send(JSON.stringify(reviewOf(podOf(long))));
      expect(allowed).toBe(true);
      expect((await send(reviewText())).patch).toEqual(rewriting());
      // Two reviews on a loaded machine; an explosion takes minutes.
      expect(performance.now() - startedMs).toBeLessThan(5_000);
    } finally {
      await admin().remove(`${kind}/${name}`);
    }
  });

  /** Until the operator has said what it makes of the resource. */
  async function judged(name: string): Promise<void> {
    const ready = await eventually('the resource has a condition', async () => {
      const { status } = await admin().get(`${kind}/${name}`);
      return status?.conditions?.find(({ type }: { type: string }) => type === 'Ready');
    });
    if (ready.status === 'True') return;
    expect(ready).toMatchObject({ status: 'False', reason: 'InvalidSpec' });
    expect(ready.message).toMatch(/spec\.imageFilter\.include.*10000 instructions/);
  }
});
