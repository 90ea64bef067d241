import { describe, expect, test } from 'vitest';
import type { PodAdmission } from '#core/pod.ts';
import { podOf, reviewOf, stageWebhook } from '#test/support/operator/reviews.ts';

const json = 'application/json';
const image = '/spec/containers/0/image';
const patch = [{ op: 'replace', path: image, value: 'ghcr.io/team/app:1' }];
const rewriting = async () => ({ patch, warnings: ['kuik: a word'], decisions: [] });

/** A port that keeps what it was given. */
function recording() {
  const seen: PodAdmission[] = [];
  const admit = async (admission: PodAdmission) => {
    seen.push(admission);
    return { patch: [], warnings: [], decisions: [] };
  };
  return { seen, admit };
}

describe('the webhook', () => {
  test('answers yes, with what the port says and the uid that was asked with', async () => {
    const stage = stageWebhook(rewriting);
    expect(await stage.review(reviewOf(podOf(), { uid: 'Ünïque-7' }))).toMatchObject({
      ...{ status: 200, uid: 'Ünïque-7', allowed: true, patch, warnings: ['kuik: a word'] },
    });
    expect(stage.errors).toEqual([]);
    expect(stage.admissions).toHaveLength(1);
  });

  test('gives the port the Pod as it came', async () => {
    const { seen, admit } = recording();
    const pod = podOf('quay.io/team/app:1', { labels: { a: 'b' } });
    await stageWebhook(admit).review(reviewOf(pod, { dryRun: true }));
    const deadlineMs = expect.any(Number);
    expect(seen).toEqual([
      { pod, namespace: 'apps', subresource: '', dryRun: true, uid: 'review-1', deadlineMs },
    ]);
  });

  test.each([
    ['application/json; charset=utf-8'],
    ['text/plain'],
    ['application/vnd.kubernetes.protobuf'],
    ['json'],
    [''],
    [undefined],
  ])('takes JSON whatever the content type %j says', async (contentType) => {
    const stage = stageWebhook(rewriting);
    const answer = await stage.send(JSON.stringify(reviewOf()), contentType);
    expect(answer).toMatchObject({ status: 200, allowed: true, patch });
  });

  test.each([
    ['nothing', ''],
    ['blanks', '   '],
    ['no JSON', 'Pod, please'],
    ['half a review', JSON.stringify(reviewOf()).slice(0, 100)],
    ['two reviews', `${JSON.stringify(reviewOf())}${JSON.stringify(reviewOf())}`],
    ['a list of reviews', JSON.stringify([reviewOf()])],
    ['null', 'null'],
    ['a number', '7'],
    ['a review without a uid', JSON.stringify(reviewOf(podOf(), { uid: undefined }))],
    ['JSON as deep as it is long', '['.repeat(100_000)],
  ])('says 400 and what it expected where nobody can be answered: %s', async (_, payload) => {
    const { seen, admit } = recording();
    const stage = stageWebhook(admit);
    const answer = await stage.send(payload, json);
    expect(answer.status).toBe(400);
    expect(JSON.parse(answer.body)).toEqual({ error: expect.stringMatching(/./) });
    expect(answer.body.length).toBeLessThan(400);
    expect(seen).toEqual([]);
    // The next review is none the worse for it.
    expect(await stage.review(reviewOf())).toMatchObject({ status: 200, allowed: true });
  });

  test.each([
    ['another version', { ...reviewOf(), apiVersion: 'admission.k8s.io/v9' }],
    ['another kind', { ...reviewOf(), kind: 'TokenReview' }],
    ['a Deployment', reviewOf({ kind: 'Deployment' }, { kind: { kind: 'Deployment' } })],
    ['a Pod that is missing', reviewOf(podOf(), { object: undefined })],
    ['a Pod without a spec', reviewOf({ metadata: {} })],
  ])('admits unchanged, with a warning and a count, what it cannot read: %s', async (_, body) => {
    const { seen, admit } = recording();
    const stage = stageWebhook(admit);
    const answer = await stage.review(body);
    expect(answer).toMatchObject({ status: 200, allowed: true, patch: undefined });
    expect(answer.warnings).toEqual([expect.stringContaining('admitted unchanged')]);
    expect(stage.errors).toEqual(['malformed']);
    expect(stage.logs()).toMatchObject([
      { level: 'warn', kind: 'malformed', detail: expect.stringMatching(/^expected /) },
    ]);
    expect(seen).toEqual([]);
  });

  test('keeps keys of every name in labels, annotations and containers', async () => {
    const { seen, admit } = recording();
    const pairs = '{"__proto__":"p","constructor":"c","toString":"t"}';
    const container = '{"name":"__proto__","image":"a:1","__proto__":{"image":"b:1"}}';
    const metadata = `{"labels":${pairs},"annotations":${pairs}}`;
    const pod = `{"metadata":${metadata},"spec":{"containers":[${container}]}}`;
    const body = JSON.stringify(reviewOf({ here: true })).replace('{"here":true}', pod);
    expect(await stageWebhook(admit).send(body, json)).toMatchObject({
      status: 200,
      allowed: true,
    });
    const { metadata: read, spec } = seen[0]?.pod ?? {};
    expect(JSON.stringify(read?.labels)).toBe(pairs);
    expect(JSON.stringify(read?.annotations)).toBe(pairs);
    expect(JSON.stringify(spec?.containers)).toBe(`[${container}]`);
    expect(Object.keys(Object.prototype)).toEqual([]);
  });

  test('takes a review of just under 8 MiB and refuses one above with 413', async () => {
    const stage = stageWebhook(rewriting);
    const bytes = (wanted: number) => {
      const empty = JSON.stringify(reviewOf(podOf('a:1', { annotations: { big: '' } })));
      const big = 'x'.repeat(wanted - empty.length);
      return JSON.stringify(reviewOf(podOf('a:1', { annotations: { big } })));
    };
    expect(await stage.send(bytes(8_388_608), json)).toMatchObject({ status: 200, allowed: true });
    const refused = await stage.send(bytes(8_388_609), json);
    expect(refused.status).toBe(413);
    expect(JSON.parse(refused.body)).toEqual({ error: expect.stringMatching(/too large/) });
    expect(await stage.review(reviewOf())).toMatchObject({ status: 200, allowed: true });
  });

  test('tells whoever asks for something else what there is', async () => {
    const { buildWebhookApp } = await import('#http/webhook.ts');
    const { createLog } = await import('#telemetry/log.ts');
    const log = createLog({ level: 'silent', format: 'json' });
    const metrics = { admission: () => undefined, webhookError: () => undefined };
    const app = buildWebhookApp({ admit: rewriting as never, log, metrics }, { deadlineMs: 100 });
    for (const [method, url] of [
      ['GET', '/mutate--v1-pod'],
      ['POST', '/mutate'],
      ['POST', '/mutate--v1-pod/'],
    ] as const) {
      const answer = await app.inject({ method, url });
      expect(answer.statusCode).toBe(404);
      expect(answer.json()).toEqual({
        error: `expected POST /mutate--v1-pod, got ${method} ${url}`,
      });
    }
    const broken = await app.inject({ method: 'GET', url: '/%zz' });
    expect(broken.statusCode).toBe(400);
    await app.close();
  });
});
