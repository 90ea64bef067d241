import { describe, expect, test } from 'vitest';
import { mirrorStore } from '#actors/reporting/mirror-store.ts';
import { addStatusWriters, type StatusWriters } from '#actors/reporting/status-writers.ts';
import type { MirroredImage } from '#core/mirroring/mirrored-image.ts';
import { fail, type Result, succeed } from '#core/result.ts';
import type { ApiCall, KubeClient } from '#kube/client.ts';
import type { ApiFailure } from '#kube/failures.ts';
import { manyMirrored, mirrored } from '#test/support/mirroring/mirrored-images.ts';
import { createListedImages } from '#test/support/status/listed-images.ts';
import { startLeading } from '#test/support/time/leading-system.ts';
import { createTestRuntime } from '#test/support/time/test-runtime.ts';
import { turns } from '#test/support/time/turns.ts';

const resource = 'ClusterImageSetMirror/all';
const image = 'quay.io/team/app:1';
const away: ApiFailure = { kind: 'connection', message: 'away' };

/** A leader that writes the status of `all`, in simulated time. */
function startWriting() {
  const images = createListedImages<MirroredImage>(resource);
  const runtime = createTestRuntime();
  const { clock } = runtime;
  const writes: { readonly atMs: number; readonly path: string; readonly body: unknown }[] = [];
  let answer = async (): Promise<Result<unknown, ApiFailure>> => succeed({});
  const client: Pick<KubeClient, 'call'> = {
    call: async <T>({ method, path, body }: ApiCall) => {
      if (path.includes('/configmaps') && method === 'GET') return succeed({ items: [] } as T);
      if (method === 'GET') return succeed({ items: [{ metadata: { uid: 'u' } }] } as T);
      writes.push({ atMs: clock.now(), path, body });
      return (await answer()) as Result<T, ApiFailure>;
    },
  };
  let writers: StatusWriters | undefined;
  const system = startLeading(runtime, (made) => {
    writers = addStatusWriters(made, {
      ...{ images, store: mirrorStore(runtime, { client, namespace: 'kuik' }) },
      ids: { writers: 'status-writers', changes: 'status-changes' },
    });
  });
  if (writers === undefined) throw new Error('nothing was added');
  const settled: string[] = [];
  const note = (name: string, promise: Promise<string>) =>
    promise.then(
      (place) => void settled.push(`${name}: ${place}`),
      (error: Error) => void settled.push(`${name}: ${error.message}`),
    );
  return {
    ...{ images, runtime, system, writes, writers, settled, note },
    answer: (given: typeof answer) => {
      answer = given;
    },
    pass: async (durationMs: number, stepMs = 10) => {
      for (let passedMs = 0; passedMs < durationMs; passedMs += stepMs) {
        clock.advance(stepMs);
        await turns();
      }
    },
  };
}

describe('whoever waits for an entry', () => {
  const { signal } = new AbortController();

  test('waits 20 ms for company, not for the pace', async () => {
    const { images, writes, writers, settled, note, pass } = startWriting();
    images.put(...manyMirrored(500));
    await pass(300);
    expect(writes).toHaveLength(1);
    images.put(mirrored(image, [{ state: 'Scheduled' }]));
    note('one', writers.written(resource, image, signal));
    await pass(10);
    const other = 'quay.io/team/other:1';
    images.put(mirrored(other, [{ state: 'Scheduled' }]));
    note('other', writers.written(resource, other, signal));
    expect(settled).toEqual([]);
    await pass(20);
    expect(settled).toEqual(['one: status', 'other: status']);
    expect(writes.map(({ atMs }) => atMs)).toEqual([200, 320]);
    // What nobody waits for keeps to the pace of 502 entries.
    images.put(mirrored(image));
    await pass(4_000, 100);
    expect(writes).toHaveLength(2);
  });

  test('is told only once the write that began after it has come to its end', async () => {
    const { images, writes, writers, settled, note, pass, answer } = startWriting();
    const arrived = Promise.withResolvers<Result<unknown, ApiFailure>>();
    answer(() => arrived.promise);
    images.put(mirrored(image, [{ state: 'Scheduled' }]));
    await pass(210);
    expect(writes).toHaveLength(1);
    images.put(mirrored(image, [{ state: 'Expired' }]));
    note('one', writers.written(resource, image, signal));
    await pass(100);
    answer(async () => succeed({}));
    arrived.resolve(succeed({}));
    await turns();
    expect(settled).toEqual([]);
    await pass(30);
    expect(settled).toEqual(['one: status']);
    expect(JSON.stringify(writes.at(-1)?.body)).toContain('Expired');
  });

  test('whatever it says is told at once where one stands', async () => {
    const { images, writes, writers, settled, note, pass } = startWriting();
    images.put(mirrored(image, [{ state: 'Scheduled' }]), ...manyMirrored(1_200));
    await pass(300);
    const { length } = writes;
    note('one', writers.stands(resource, image, signal));
    note('last', writers.stands(resource, manyMirrored(1_200)[7]?.image ?? '', signal));
    await turns();
    expect(settled.toSorted()).toEqual(['last: overflow', 'one: status']);
    images.put(mirrored('quay.io/team/new:1', [{ state: 'Scheduled' }]));
    note('new', writers.stands(resource, 'quay.io/team/new:1', signal));
    await pass(30);
    expect(settled.at(-1)).toBe('new: overflow');
    expect(writes.length).toBeGreaterThan(length);
  });

  test('of one image among many costs one small ConfigMap, which goes with the next write of all', async () => {
    const { images, writes, writers, settled, note, pass } = startWriting();
    images.put(...manyMirrored(1_200));
    await pass(1_000);
    const before = writes.length;
    const fresh = ['quay.io/team/new:1', 'quay.io/team/newer:1'];
    for (const name of fresh) {
      images.put(mirrored(name, [{ state: 'Scheduled', adopted: false }]));
      note(name, writers.recorded(resource, name, signal));
      await pass(30);
    }
    expect(settled).toEqual(fresh.map((name) => `${name}: overflow`));
    const aside = writes.slice(before);
    expect(aside.map(({ path }) => path.split('/').at(-1))).toEqual([
      'kuik-overflow-u-new',
      'kuik-overflow-u-new',
    ]);
    expect(JSON.stringify(aside.at(-1)?.body)).toMatch(/team\/new:1.*team\/newer:1/);
    note('all', writers.written(resource, fresh[0] ?? '', signal));
    await pass(30);
    expect(settled.at(-1)).toBe('all: status');
    const paths = writes.slice(before + 2).map(({ path }) => path.split('/').at(-1));
    expect(paths.at(-1)).toBe('kuik-overflow-u-new');
    expect(paths).toContain('status');
    const { length } = writes;
    await pass(30_000, 1_000);
    expect(writes.slice(length).filter(({ path }) => path.endsWith('-new'))).toEqual([]);
  });

  test('among many has all written when the pace allows, though somebody waited meanwhile', async () => {
    const { images, writes, writers, settled, note, pass } = startWriting();
    images.put(...manyMirrored(1_200));
    await pass(1_000);
    const before = writes.length;
    images.put(mirrored('quay.io/team/other:1'));
    images.put(mirrored(image, [{ state: 'Scheduled', adopted: false }]));
    note('one', writers.recorded(resource, image, signal));
    await pass(20_000, 100);
    expect(settled).toEqual(['one: overflow']);
    const [aside, ...rest] = writes.slice(before);
    expect(aside?.path).toMatch(/-new$/);
    const status = rest.find(({ path }) => path.endsWith('/status'));
    expect(JSON.stringify(status?.body)).toContain('quay.io/team/other:1');
    expect(rest.at(-1)?.path).toBeDefined();
    expect(rest.some(({ path }) => path.endsWith('-new'))).toBe(true);
  });

  test('of an image that is not listed, or of a resource that is unknown, hears that there is none', async () => {
    const { writers, settled, note, pass, system } = startWriting();
    note('image', writers.written(resource, image, signal));
    note('resource', writers.written('ImageSetMirror/team/none', image, signal));
    await pass(30);
    system.follow();
    note('follower', writers.written(resource, image, signal));
    await turns();
    expect(settled).toEqual(['resource: none', 'image: none', 'follower: none']);
  });

  test('waits as long as nothing can be written, and no longer than it wants to', async () => {
    const { images, writers, settled, note, pass, answer } = startWriting();
    answer(async () => fail(away));
    images.put(mirrored(image, [{ state: 'Scheduled' }]));
    const impatient = new AbortController();
    note('impatient', writers.written(resource, image, impatient.signal));
    note('patient', writers.written(resource, image, signal));
    await pass(1_000);
    expect(settled).toEqual([]);
    impatient.abort(new Error('enough'));
    await turns();
    expect(settled).toEqual(['impatient: enough']);
    answer(async () => succeed({}));
    await pass(5_000, 100);
    expect(settled).toEqual(['impatient: enough', 'patient: status']);
  });

  test('hears at the end of a leader that there will be none', async () => {
    const { images, writers, settled, note, pass, answer, system } = startWriting();
    answer(async () => fail(away));
    images.put(mirrored(image, [{ state: 'Scheduled' }]));
    note('one', writers.written(resource, image, signal));
    await pass(100);
    system.follow();
    await turns();
    expect(settled).toEqual(['one: none']);
  });
});
