import { describe, expect, test } from 'vitest';
import type { Cancellation } from '#core/cancellation.ts';
import { podOf, reviewOf, stageWebhook } from '#test/support/operator/reviews.ts';

const image = '/spec/containers/0/image';
const good = { op: 'replace', path: image, value: 'ghcr.io/team/app:1' };
const answering = (answer: unknown) => async () => answer;
const withPatch = (patch: unknown) => answering({ patch, warnings: [], decisions: [] });
const cyclic: { patch: unknown[]; warnings: unknown[] } = { patch: [], warnings: [] };
cyclic.patch.push(cyclic);
/** An error that cannot even be looked at. */
const hostile = Object.defineProperties(new Error('x'), {
  message: { get: () => hostile['no'].such },
  stack: { get: () => hostile['no'].such },
}) as Error & { no: { such: string } };

/** Generous for a loaded machine, and still far below what an API server waits. */
const lateMs = 2_000;

describe('whatever the port does, the Pod gets in unchanged within the deadline', () => {
  const cases: readonly [string, unknown, string][] = [
    [
      'throws before it returns',
      () => {
        throw new Error('at once');
      },
      'failed',
    ],
    [
      'throws what is no error',
      () => {
        throw undefined;
      },
      'failed',
    ],
    [
      'throws what cannot be shown',
      () => {
        throw Object.create(null);
      },
      'failed',
    ],
    [
      'throws an error that cannot be read',
      () => {
        throw hostile;
      },
      'failed',
    ],
    ['answers nothing at once', () => undefined, 'fault'],
    ['answers a text at once', () => 'yes', 'patch'],
    ['rejects', () => Promise.reject(new Error('later')), 'failed'],
    ['rejects with nothing', () => Promise.reject(undefined), 'failed'],
    ['is no function', 'admit', 'failed'],
    ['hangs', () => new Promise(() => undefined), 'late'],
    ['resolves to a promise that hangs', async () => new Promise(() => undefined), 'late'],
    ['answers nothing', answering(undefined), 'fault'],
    ['answers null', answering(null), 'fault'],
    ['answers a text', answering('yes'), 'patch'],
    ['answers a number', answering(Number.NaN), 'patch'],
    ['answers a list', answering([good]), 'patch'],
    ['answers an empty object', answering({}), 'patch'],
    ['answers without a patch', answering({ warnings: [], decisions: [] }), 'patch'],
    ['answers at once instead of in a promise', () => ({ patch: 'none' }), 'patch'],
    [
      'answers with a getter that throws',
      answering({
        get patch() {
          throw new Error('x');
        },
      }),
      'fault',
    ],
    [
      'answers with a proxy that throws',
      answering(
        new Proxy([], {
          get: (_, name) => {
            if (name === 'then') return undefined;
            throw new Error('x');
          },
        }),
      ),
      'fault',
    ],
    ['patches with nothing', withPatch(null), 'patch'],
    ['patches with a text', withPatch(JSON.stringify([good])), 'patch'],
    ['patches with an operation that is null', withPatch([null]), 'patch'],
    ['patches with NaN', withPatch([{ ...good, value: Number.NaN }]), 'patch'],
    ['patches in a circle', answering(cyclic), 'patch'],
    [
      'patches with a getter that throws',
      withPatch([
        {
          get op() {
            throw new Error('x');
          },
        },
      ]),
      'patch',
    ],
    ['patches without end', withPatch(new Array(1_000_000_000)), 'patch'],
    ['patches with 4 MiB', withPatch([{ ...good, value: 'x'.repeat(4_194_304) }]), 'patch'],
    ['patches the whole Pod away', withPatch([{ op: 'replace', path: '', value: {} }]), 'patch'],
    [
      'patches a container that is not there',
      withPatch([{ ...good, path: '/spec/containers/9/image' }]),
      'patch',
    ],
    [
      'patches with an image that is none',
      withPatch([{ ...good, value: 'NOT AN IMAGE' }]),
      'patch',
    ],
  ];

  test.each(cases)('a port that %s', async (_, admit, kind) => {
    const stage = stageWebhook(admit, { deadlineMs: 50 });
    const startedMs = performance.now();
    const answer = await stage.review(reviewOf());
    expect(performance.now() - startedMs).toBeLessThan(lateMs);
    expect(answer).toMatchObject({ status: 200, uid: 'review-1', allowed: true, patch: undefined });
    expect(answer.warnings).toEqual([expect.stringMatching(/^kuik: .*admitted unchanged\.$/)]);
    expect(stage.errors[0]).toBe(kind);
    expect(stage.admissions).toHaveLength(1);
  });

  test.each<[string, unknown]>([
    ['nothing', undefined],
    ['a text', 'a warning'],
    ['an object', { length: 3 }],
    ['no texts', [1, null, {}, [], Symbol('x')]],
    ['a billion holes', new Array(1_000_000_000)],
  ])('warnings that are %s are left out, and the patch leaves', async (_, warnings) => {
    const stage = stageWebhook(answering({ patch: [good], warnings, decisions: [] }));
    expect(await stage.review(reviewOf())).toMatchObject({ patch: [good], warnings: [] });
  });

  test('warnings of any length are cut as the API server would', async () => {
    const warnings = Array.from({ length: 1_000 }, () => 'w'.repeat(1_000));
    const stage = stageWebhook(answering({ patch: [], warnings, decisions: [] }));
    const answer = await stage.review(reviewOf());
    expect(answer.warnings).toHaveLength(16);
    expect(answer.warnings.every((one) => one.length === 256)).toBe(true);
  });
});

describe('the deadline', () => {
  const hanging =
    (aborted: () => void) =>
    (_: unknown, { signal }: Cancellation) =>
      new Promise(() => signal.addEventListener('abort', aborted));

  test('is the API server’s where that is shorter, and the port is told that it has passed', async () => {
    let aborted = 0;
    const stage = stageWebhook(
      hanging(() => (aborted += 1)),
      { deadlineMs: 60_000 },
    );
    const startedMs = performance.now();
    const answer = await stage.review(reviewOf(), '?timeout=100ms');
    const tookMs = performance.now() - startedMs;
    expect(answer).toMatchObject({ status: 200, allowed: true, patch: undefined });
    expect(tookMs).toBeGreaterThan(80);
    expect(tookMs).toBeLessThan(lateMs);
    expect(aborted).toBe(1);
    expect(stage.errors).toEqual(['late']);
  });

  test('is our own where the API server states none, or nonsense', async () => {
    const stage = stageWebhook(
      hanging(() => undefined),
      { deadlineMs: 50 },
    );
    for (const query of ['', '?timeout=soon', '?timeout=-5s', '?timeout=1h&timeout=2h']) {
      expect(await stage.review(reviewOf(), query)).toMatchObject({ allowed: true });
    }
    expect(stage.errors).toEqual(['late', 'late', 'late', 'late']);
  });

  test('of one review that hangs holds up no other', async () => {
    const admit = async ({ pod }: { pod: { metadata: { name: string } } }) =>
      pod.metadata.name === 'slow'
        ? await new Promise(() => undefined)
        : { patch: [good], warnings: [], decisions: [] };
    const stage = stageWebhook(admit, { deadlineMs: 300 });
    const order: string[] = [];
    const slow = stage
      .review(reviewOf(podOf('a:1', { name: 'slow' })))
      .then(() => order.push('slow'));
    const quick = stage.review(reviewOf()).then(() => order.push('quick'));
    await Promise.all([slow, quick]);
    expect(order).toEqual(['quick', 'slow']);
  });
});

describe('telling', () => {
  const throwing = () => {
    throw new Error('cannot be told');
  };

  test('costs no answer: neither a log nor metrics that throw', async () => {
    const options = {
      deadlineMs: 50,
      log: { warn: throwing, error: throwing },
      metrics: { admission: throwing, webhookError: throwing },
    };
    for (const admit of [throwing, withPatch('none'), () => new Promise(() => undefined)]) {
      expect(await stageWebhook(admit, options).review(reviewOf())).toMatchObject({
        ...{ status: 200, allowed: true, patch: undefined },
      });
    }
    expect(await stageWebhook(withPatch([good]), options).review(reviewOf())).toMatchObject({
      ...{ status: 200, allowed: true, patch: [good] },
    });
  });
});
