import { describe, expect, test } from 'vitest';
import { availabilityStore } from '#actors/reporting/availability-store.ts';
import { addStatusWriters } from '#actors/reporting/status-writers.ts';
import { fail, type Result, succeed } from '#core/result.ts';
import type { ApiCall, KubeClient } from '#kube/client.ts';
import type { ApiFailure } from '#kube/failures.ts';
import {
  createTrackedImages,
  manyTracked,
  tracked,
} from '#test/support/monitoring/tracked-images.ts';
import { startLeading } from '#test/support/time/leading-system.ts';
import { createTestRuntime } from '#test/support/time/test-runtime.ts';
import { turns } from '#test/support/time/turns.ts';

type Answer = Result<unknown, ApiFailure> | Promise<never>;

const image = tracked('quay.io/team/app:1');
const away: ApiFailure = { kind: 'connection', message: 'away' };
const refused = (code: number): ApiFailure => ({
  ...{ kind: 'status', code, reason: '', message: `refused with ${code}` },
});

/** A leader that writes the status of `all`, in simulated time; the API server says what it is told. */
function startWriting() {
  const images = createTrackedImages('all');
  const runtime = createTestRuntime();
  const { clock } = runtime;
  const writesMs: number[] = [];
  let reads = 0;
  let answerWrite: () => Answer = () => succeed({});
  let answerRead: () => Answer = () => succeed({ items: [{ metadata: { uid: 'u' } }] });
  const client: Pick<KubeClient, 'call'> = {
    call: async <T>({ method, path }: ApiCall) => {
      if (path.includes('/configmaps')) return succeed({ items: [] } as T);
      if (method === 'GET') reads += 1;
      else writesMs.push(clock.now());
      return (await (method === 'GET' ? answerRead() : answerWrite())) as Result<T, ApiFailure>;
    },
  };
  const store = availabilityStore(runtime, { client, namespace: 'kuik' });
  let flush = async () => {};
  const system = startLeading(runtime, (made) => {
    ({ flush } = addStatusWriters(made, {
      ...{ images, store },
      ids: { writers: 'status-writers', changes: 'status-changes' },
    }));
  });
  return {
    ...{ images, runtime, system, writesMs, flush },
    reads: () => reads,
    answerWrites: (answer: typeof answerWrite) => {
      answerWrite = answer;
    },
    answerReads: (answer: typeof answerRead) => {
      answerRead = answer;
    },
    writer: () => [...(system.find('status-writers')?.getSnapshot().children.values() ?? [])][0],
    pass: async (durationMs: number, stepMs = 100) => {
      for (let passedMs = 0; passedMs < durationMs; passedMs += stepMs) {
        clock.advance(Math.min(stepMs, durationMs - passedMs));
        await turns();
      }
    },
  };
}

describe('the writer of a status', () => {
  test('writes what comes together at once, then at the pace of what it lists', async () => {
    const { images, writesMs, pass, writer } = startWriting();
    for (const one of manyTracked(150)) images.put(one);
    await pass(1_000);
    expect(writesMs).toEqual([200]);
    expect(writer()?.id).toBe('reconcile:status/all');
    images.put(tracked(image.image, { status: 'NotFound' }));
    images.put(image);
    await pass(600);
    expect(writesMs).toEqual([200]);
    await pass(200);
    // 10 ms for each of 150 entries.
    expect(writesMs).toEqual([200, 1_700]);
    await pass(60_000, 1_000);
    expect(writesMs).toHaveLength(2);
  });

  test('sends nothing where a change ends up at what is written', async () => {
    const { images, writesMs, reads, pass } = startWriting();
    images.put(image);
    await pass(2_000);
    images.put(tracked(image.image, { status: 'NotFound' }));
    images.put(image);
    await pass(2_000);
    expect(writesMs).toHaveLength(1);
    expect(reads()).toBe(1);
  });

  test('tries again later and later, whatever changes meanwhile, and says so', async () => {
    const { images, runtime, writesMs, pass, answerWrites, writer } = startWriting();
    answerWrites(() => fail(away));
    images.put(image);
    await pass(1_000);
    images.put(tracked('quay.io/team/app:2'));
    expect(writer()?.getSnapshot().value).toBe('Settling');
    await pass(9_000);
    // A second each, and half of 1, 2, 4, … s.
    expect(writesMs).toEqual([200, 1_700, 3_700, 6_700]);
    expect(writer()?.getSnapshot()).toMatchObject({
      value: 'BackingOff',
      context: { failures: 4, trouble: 'away' },
    });
    const complaints = runtime.lines().filter(({ msg }) => msg === 'a status could not be written');
    expect(complaints).toHaveLength(4);
    expect(complaints[0]).toMatchObject({ level: 'warn', resource: 'all', failure: away });
    answerWrites(() => succeed({}));
    await pass(2_000);
    expect(writesMs).toHaveLength(5);
    expect(writer()?.getSnapshot().value).toBe('Idle');
  });

  test('reads anew what is written once somebody else wrote there', async () => {
    const { images, reads, writesMs, pass, answerWrites } = startWriting();
    answerWrites(() => fail(refused(409)));
    images.put(image);
    await pass(1_000);
    answerWrites(() => succeed({}));
    await pass(2_000);
    expect([reads(), writesMs.length]).toEqual([2, 2]);
  });

  test('lets go of an API server that does not answer', async () => {
    const { images, runtime, writesMs, pass, answerReads } = startWriting();
    const { promise, resolve } = Promise.withResolvers<never>();
    answerReads(() => promise);
    images.put(image);
    await pass(60_000, 1_000);
    resolve(fail(away) as never);
    answerReads(() => succeed({ items: [{ metadata: { uid: 'u' } }] }));
    await pass(3_000);
    expect(writesMs).toHaveLength(1);
    expect(runtime.lines().map(({ msg }) => msg)).toContain('a status could not be written');
  });

  test('ends with its resource, and begins with it', async () => {
    const { images, writesMs, pass, answerReads, writer } = startWriting();
    answerReads(() => succeed({ items: [] }));
    await pass(1_000);
    expect(writer()).toBeUndefined();
    answerReads(() => succeed({ items: [{ metadata: { uid: 'u' } }] }));
    images.put(image);
    await pass(1_000);
    expect(writer()?.getSnapshot().value).toBe('Idle');
    images.tearDown('all');
    await pass(2_000);
    expect([writer(), writesMs.length]).toEqual([undefined, 1]);
  });

  test('that crashes is told to log and metric, and begins anew', async () => {
    const { images, runtime, writesMs, pass, answerWrites, writer } = startWriting();
    answerWrites(() => Promise.reject(new Error('a bug')));
    images.put(image);
    await pass(1_000);
    expect(writer()).toBeUndefined();
    expect(runtime.lines().filter(({ msg }) => msg === 'an actor crashed')).toMatchObject([
      { level: 'error', actor: 'reconcile:status/all', err: { message: 'a bug' } },
    ]);
    expect(await runtime.text()).toContain('actor_crashes_total{type="reconcile"} 1');
    answerWrites(() => succeed({}));
    await pass(2_000);
    expect([writesMs.length, writer()?.getSnapshot().value]).toEqual([2, 'Idle']);
  });
});

describe('the last flush', () => {
  test('writes whatever the pace, tries again at once, and ends when all is written', async () => {
    const { images, writesMs, pass, flush, answerWrites, writer } = startWriting();
    images.put(...manyTracked(900));
    await pass(1_000);
    images.put(image);
    let failures = 2;
    answerWrites(() => {
      failures -= 1;
      return failures >= 0 ? fail(away) : succeed({});
    });
    let isFlushed = false;
    const flushing = flush().then(() => {
      isFlushed = true;
    });
    await turns();
    await pass(300);
    expect(isFlushed).toBe(false);
    await pass(100);
    expect([isFlushed, writesMs, writer()]).toEqual([true, [200, 1_000, 1_200, 1_400], undefined]);
    await flushing;
  });

  test('waits for a write on its way, and writes what has changed since', async () => {
    const { images, writesMs, pass, flush, answerWrites } = startWriting();
    const { promise, resolve } = Promise.withResolvers<never>();
    answerWrites(() => promise);
    images.put(image);
    await pass(500);
    images.put(tracked('quay.io/team/app:2'));
    answerWrites(() => succeed({}));
    const flushing = flush();
    await pass(500);
    expect(writesMs).toEqual([200]);
    resolve(succeed({}) as never);
    await flushing;
    expect(writesMs).toEqual([200, 1_000]);
  });

  test('takes 5 s at most', async () => {
    const { images, runtime, pass, flush, answerWrites } = startWriting();
    answerWrites(() => new Promise<never>(() => {}));
    images.put(image);
    let flushedMs = 0;
    const flushing = flush().then(() => {
      flushedMs = runtime.clock.now();
    });
    await pass(6_000);
    await flushing;
    expect(flushedMs).toBe(5_000);
  });

  test('is nothing where nobody leads', async () => {
    const { images, system, writesMs, flush } = startWriting();
    system.follow();
    images.put(image);
    await flush();
    expect(writesMs).toEqual([]);
  });
});
