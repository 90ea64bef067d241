import { describe, expect, test } from 'vitest';
import type { DeletionFailure } from '#machines/mirrored-image.ts';
import { startMirroring } from '#test/support/mirroring/mirroring-stage.ts';

const nginx = 'docker.io/library/nginx:1';
const copy = 'mirror.example.com/m/library/nginx:1';
const resource = 'ClusterImageSetMirror/all';
const cleaning = (retention: string) => ({
  imageFilter: { include: ['.+'] },
  mirrors: [{ registry: 'mirror.example.com', path: '/m' }],
  cleanup: { enabled: true, retention },
});
/** The quiet time between `Expired` and the DELETE. */
const quietMs = 30_000;

/** A copy of nginx, made for a Pod. */
async function begin(retention = '1m') {
  const stage = startMirroring();
  stage.twin.push(nginx);
  stage.run('web', nginx);
  stage.declare('ClusterImageSetMirror', 'all', cleaning(retention));
  await stage.lead();
  await stage.pass(2_000);
  expect(stage.images(resource)).toMatchObject([{ copies: [{ state: 'Available' }] }]);
  return stage;
}

type Stage = Awaited<ReturnType<typeof begin>>;
const stateOf = (stage: Stage) => stage.images(resource)[0]?.copies[0]?.state;

describe('a copy that no Pod uses', () => {
  test('is kept for its retention, then Expired, then deleted, and its entry goes', async () => {
    const stage = await begin();
    stage.end('web');
    await stage.pass(2_000);
    expect(stateOf(stage)).toBe('Unused');
    await stage.pass(57_000, 500);
    expect(stateOf(stage)).toBe('Unused');
    await stage.pass(3_000, 500);
    expect(stateOf(stage)).toBe('Expired');
    await stage.pass(quietMs - 5_000, 500);
    expect(stage.twin.deleted).toEqual([]);
    await stage.pass(10_000, 500);
    expect(stage.twin.deleted).toEqual([copy]);
    expect(stage.twin.images.has(copy)).toBe(false);
    expect(stage.images(resource)).toEqual([]);
    expect(stage.bugs()).toEqual([]);
  });

  test('stands as Expired in the status before anything is deleted', async () => {
    const stage = await begin('0s');
    stage.end('web');
    await stage.pass(5_000, 500);
    const bodies = stage.server.written.map(({ body }) => JSON.stringify(body));
    expect(bodies.some((body) => body.includes('"Expired"'))).toBe(true);
    expect(stage.twin.deleted).toEqual([]);
  });

  test('comes back when a Pod does, at any time before the DELETE', async () => {
    const stage = await begin('0s');
    stage.end('web');
    await stage.pass(quietMs - 2_000, 500);
    expect(stateOf(stage)).toBe('Expired');
    stage.run('again', nginx);
    await stage.pass(quietMs * 3, 500);
    expect(stateOf(stage)).toBe('Available');
    expect(stage.twin.deleted).toEqual([]);
  });

  test('is offered to nobody while its DELETE is on its way, and copied again after it', async () => {
    const stage = await begin('0s');
    const answer = stage.twin.holdDeletions();
    stage.end('web');
    await stage.pass(quietMs + 4_000, 500);
    expect(stage.twin.deleted).toEqual([copy]);
    stage.run('again', nginx);
    await stage.pass(500);
    expect(stateOf(stage)).toBe('Expired');
    answer();
    await stage.pass(2_000);
    expect(stateOf(stage)).toBe('Available');
    expect(stage.twin.images.has(copy)).toBe(true);
    expect(stage.twin.copied).toHaveLength(2);
    expect(stage.bugs()).toEqual([]);
  });

  test('whose DELETE has no answer in time is looked for before a Pod gets it', async () => {
    const stage = await begin('0s');
    stage.twin.holdDeletions();
    stage.end('web');
    await stage.pass(quietMs + 4_000, 500);
    expect(stage.twin.deleted).toEqual([copy]);
    stage.run('again', nginx);
    stage.twin.images.delete(copy);
    await stage.pass(8_000, 500);
    expect(stateOf(stage)).toBe('Available');
    expect(stage.twin.images.has(copy)).toBe(true);
  });

  test('waits for whoever has it under another name, and is deleted once for both', async () => {
    const stage = startMirroring();
    const untagged = 'docker.io/library/nginx';
    const latest = `${untagged}:latest`;
    stage.twin.push(untagged);
    stage.twin.push(latest, untagged);
    stage.run('web', untagged);
    stage.run('other', latest);
    stage.declare('ClusterImageSetMirror', 'all', cleaning('0s'));
    await stage.lead();
    await stage.pass(2_000);
    stage.end('web');
    await stage.pass(quietMs * 3, 500);
    expect(stage.twin.deleted).toEqual([]);
    stage.end('other');
    const answer = stage.twin.holdDeletions();
    await stage.pass(quietMs + 8_000, 500);
    expect(stage.twin.deleted.length).toBeGreaterThan(0);
    stage.run('other', latest);
    await stage.pass(500);
    const states = () =>
      stage.images(resource).flatMap(({ copies }) => copies.map(({ state }) => state));
    expect(states()).not.toContain('Available');
    answer();
    await stage.pass(3_000, 500);
    expect(states()).toContain('Available');
    expect(stage.bugs()).toEqual([]);
  });

  test('is not deleted while a Pod runs from it, whatever resource that is of', async () => {
    const stage = await begin('0s');
    stage.run('copy', copy, { namespace: 'elsewhere' });
    stage.end('web');
    await stage.pass(quietMs * 3, 500);
    expect(stage.twin.images.has(copy)).toBe(true);
    stage.end('copy', 'elsewhere');
    await stage.pass(quietMs * 3, 500);
    expect(stage.twin.images.has(copy)).toBe(false);
  });

  test('stays where another resource wants it, or keeps it longer', async () => {
    const stage = await begin('0s');
    stage.declare('ImageSetMirror', 'team/own', {
      imageFilter: { include: ['.+'] },
      mirrors: [{ registry: 'mirror.example.com', path: '/m' }],
    });
    stage.run('other', nginx, { namespace: 'team' });
    await stage.pass(3_000);
    stage.declare('ClusterImageSetMirror', 'all', {
      ...cleaning('0s'),
      namespaceFilter: { include: ['apps'] },
    });
    stage.end('web');
    await stage.pass(quietMs * 3, 500);
    expect(stage.twin.images.has(copy)).toBe(true);
    expect(stage.images('ImageSetMirror/team/own')).toMatchObject([
      { copies: [{ state: 'Available' }] },
    ]);
  });

  test('that was found there is nobody of ours to delete', async () => {
    const stage = startMirroring();
    stage.twin.push(nginx);
    stage.twin.push(copy, nginx);
    stage.run('web', nginx);
    stage.declare('ClusterImageSetMirror', 'all', cleaning('0s'));
    await stage.lead();
    await stage.pass(2_000);
    expect(stage.images(resource)[0]?.copies[0]?.adopted).toBe(true);
    stage.end('web');
    await stage.pass(quietMs * 3, 500);
    expect(stage.images(resource)).toEqual([]);
    expect(stage.twin.deleted).toEqual([]);
    expect(stage.twin.images.has(copy)).toBe(true);
  });

  test('that is another by now stays, and its entry goes', async () => {
    const stage = await begin('0s');
    stage.end('web');
    await stage.pass(quietMs - 5_000, 500);
    stage.twin.push(copy, 'somebody pushed this');
    await stage.pass(quietMs, 500);
    expect(stage.images(resource)).toEqual([]);
    expect(stage.twin.images.has(copy)).toBe(true);
  });

  test('whose registry refuses is kept with the reason, and tried again', async () => {
    const stage = await begin('0s');
    stage.end('web');
    stage.twin.fail('mirror.example.com', { side: 'target', reason: 'denied' });
    await stage.pass(quietMs + 10_000, 500);
    expect(stage.images(resource)[0]?.copies[0]).toMatchObject({
      ...{ state: 'Expired', lastError: 'mirror.example.com: denied' },
    } satisfies Partial<DeletionFailure> | object);
    stage.twin.fail('mirror.example.com');
    await stage.pass(20_000, 500);
    expect(stage.twin.images.has(copy)).toBe(false);
    expect(stage.images(resource)).toEqual([]);
  });

  test('is left to the next leader where the Lease is not held any more', async () => {
    const stage = await begin('0s');
    stage.end('web');
    await stage.pass(quietMs - 5_000, 500);
    stage.system.follow();
    await stage.pass(quietMs, 500);
    expect(stage.twin.deleted).toEqual([]);
    expect(stage.twin.images.has(copy)).toBe(true);
  });
});

describe('a resource that is deleted', () => {
  test('keeps its finalizer only where it cleans up', async () => {
    const stage = await begin();
    const finalizers = () =>
      stage.kuik.get('ClusterImageSetMirror')?.get('all')?.metadata.finalizers;
    expect(finalizers()).toEqual(['kuik.enix.io/mirror-cleanup']);
    const { cleanup: _, ...kept } = cleaning('1m');
    stage.declare('ClusterImageSetMirror', 'all', kept);
    await stage.pass(1_000);
    expect(finalizers() ?? []).toEqual([]);
  });

  test('goes once its copies are deleted', async () => {
    const stage = await begin('168h');
    stage.remove('ClusterImageSetMirror', 'all');
    await stage.pass(1_000);
    expect(stage.stateOf('mirror-set:ClusterImageSetMirror/all')).toEqual(['Finalizing']);
    await stage.pass(quietMs + 10_000, 500);
    expect(stage.twin.images.has(copy)).toBe(false);
    expect(stage.kuik.get('ClusterImageSetMirror')?.get('all')).toBeUndefined();
    expect(stage.images(resource)).toEqual([]);
    expect(stage.stateOf('mirror-set:ClusterImageSetMirror/all')).toBeUndefined();
    expect(stage.bugs()).toEqual([]);
  });

  test('is let go after 30 s without a success, and what stayed is told', async () => {
    const stage = await begin('168h');
    stage.twin.fail('mirror.example.com', { side: 'target', reason: 'unreachable' });
    stage.remove('ClusterImageSetMirror', 'all');
    await stage.pass(quietMs + 25_000, 500);
    expect(stage.kuik.get('ClusterImageSetMirror')?.get('all')).toBeDefined();
    await stage.pass(15_000, 500);
    expect(stage.kuik.get('ClusterImageSetMirror')?.get('all')).toBeUndefined();
    const told = stage.runtime.lines().filter(({ msg }) => String(msg).includes('copies stay'));
    expect(told).toMatchObject([{ resource, count: 1, copies: [copy] }]);
  });

  test('leaves its copies where it does not clean up', async () => {
    const stage = await begin();
    const { cleanup: _, ...kept } = cleaning('1m');
    stage.declare('ClusterImageSetMirror', 'all', kept);
    await stage.pass(1_000);
    stage.remove('ClusterImageSetMirror', 'all');
    await stage.pass(quietMs * 2, 500);
    expect(stage.twin.images.has(copy)).toBe(true);
    expect(stage.stateOf(`mirrored-image:mirror.example.com/m/${nginx}`)).toBeUndefined();
  });
});
