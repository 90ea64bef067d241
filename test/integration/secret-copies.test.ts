import { describe, expect, test } from 'vitest';
import { ownerUidLabel } from '#actors/secrets/secret-copy.ts';
import { unneededMs } from '#core/routing/secret-copies.ts';
import { admin, freshNamespace } from '#test/support/api-server/plane.ts';
import { dockerConfigOf, stageCopies } from '#test/support/routing/copies-stage.ts';
import { eventually } from '#test/support/time/eventually.ts';

const host = 'registry.example.com';
type Stage = Awaited<ReturnType<typeof stageCopies>>;

const pathOf = (namespace: string, name: string) =>
  `/api/v1/namespaces/${namespace}/secrets/${name}`;
const read = (namespace: string, { copyName }: Stage) => admin().get(pathOf(namespace, copyName));

/** A copy as kuik v2, or another replica, has left it. */
async function leaveCopy(stage: Stage, namespace: string, text: string): Promise<void> {
  const { name, uid, kind } = stage.owner;
  await admin().create(`/api/v1/namespaces/${namespace}/secrets`, {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: {
      name: stage.copyName,
      labels: { [ownerUidLabel]: uid },
      ownerReferences: [{ apiVersion: 'kuik.enix.io/v1alpha1', kind, name, uid }],
    },
    type: 'kubernetes.io/dockerconfigjson',
    stringData: { '.dockerconfigjson': text },
  });
}

/** Waits for a state of the copy, while a little time goes by. */
async function until<T>(stage: Stage, what: string, look: () => Promise<T | undefined | false>) {
  return await eventually(what, () => {
    stage.clock.advance(100);
    return look();
  });
}

const holds = (stage: Stage, namespace: string, text: string) =>
  until(stage, `the copy holds ${text}`, async () => {
    const copy = await read(namespace, stage);
    return atob(copy?.data['.dockerconfigjson'] ?? '') === text && copy;
  });
const isGone = (stage: Stage, namespace: string) =>
  until(stage, 'the copy is gone', async () => (await read(namespace, stage)) === undefined);

/** So much simulated time, with whatever the keeper does in it: it looks around each minute. */
async function pass(stage: Stage, minutes: number): Promise<void> {
  for (let minute = 0; minute < minutes; minute += 1) {
    const before = stage.lists();
    stage.clock.advance(60_000);
    // The round is over when it has asked for the next.
    await until(stage, 'copies are listed and looked after', async () => {
      return stage.lists() > before && stage.clock.size > 0;
    });
  }
}

describe('a copied Secret', () => {
  test('that kuik v2 left is adopted, cut down to what the resource declares', async () => {
    const stage = await stageCopies();
    const namespace = await freshNamespace();
    await leaveCopy(stage, namespace, dockerConfigOf('old', host, 'quay.io'));
    stage.setSource({ text: dockerConfigOf('new', host, 'quay.io') });
    stage.lead();
    const copy = await holds(stage, namespace, dockerConfigOf('new', host));
    expect(copy.metadata.labels).toMatchObject({ 'kuik.enix.io/owner-name': stage.owner.name });
  });

  test('follows its source, also to another type, and stays when that is gone', async () => {
    const stage = await stageCopies();
    const namespace = await freshNamespace();
    await leaveCopy(stage, namespace, dockerConfigOf('first', host));
    stage.setSource({ text: dockerConfigOf('first', host) });
    stage.lead();
    stage.setSource({ text: dockerConfigOf('second', host) });
    const { metadata } = await holds(stage, namespace, dockerConfigOf('second', host));
    stage.setSource(undefined);
    await pass(stage, 2);
    expect((await read(namespace, stage)).metadata.resourceVersion).toBe(metadata.resourceVersion);
    const older = JSON.stringify({ [host]: { username: 'third', password: 'secret' } });
    stage.setSource({ type: 'kubernetes.io/dockercfg', text: older });
    const anew = await until(stage, 'the copy is of the older type', async () => {
      const copy = await read(namespace, stage);
      return copy?.type === 'kubernetes.io/dockercfg' && copy;
    });
    expect(atob(anew.data['.dockercfg'])).toBe(older);
    expect(anew.metadata.uid).not.toBe(metadata.uid);
  });

  test('that somebody changed is put right within a minute', async () => {
    const stage = await stageCopies();
    const namespace = await freshNamespace();
    await leaveCopy(stage, namespace, dockerConfigOf('right', host));
    stage.setSource({ text: dockerConfigOf('right', host) });
    stage.lead();
    await pass(stage, 1);
    const wrong = { '.dockerconfigjson': btoa(dockerConfigOf('wrong', host)) };
    await admin().merge(pathOf(namespace, stage.copyName), { data: wrong });
    await pass(stage, 1);
    await holds(stage, namespace, dockerConfigOf('right', host));
  });

  test('is not written where the resource is not about, whatever stands there', async () => {
    const stage = await stageCopies();
    const [outside, inside] = [await freshNamespace('out'), await freshNamespace()];
    for (const namespace of [outside, inside]) {
      await leaveCopy(stage, namespace, dockerConfigOf('guess', host));
    }
    stage.putPod(outside, stage.copyName);
    stage.setSource({ text: dockerConfigOf('right', host) });
    stage.lead();
    await holds(stage, inside, dockerConfigOf('right', host));
    const copy = await read(outside, stage);
    expect(atob(copy.data['.dockerconfigjson'])).toBe(dockerConfigOf('guess', host));
  });

  test('goes when no Pod has named it for ten minutes, which a promise begins anew', async () => {
    const stage = await stageCopies();
    const namespace = await freshNamespace();
    await leaveCopy(stage, namespace, dockerConfigOf('right', host));
    stage.setSource({ text: dockerConfigOf('right', host) });
    stage.lead();
    await pass(stage, 9);
    const { name, resourceVersion: version, uid } = (await read(namespace, stage)).metadata;
    stage.promise({ namespace, name, version, uid, ownerUid: stage.owner.uid });
    await pass(stage, 9);
    stage.putPod(namespace, stage.copyName);
    await pass(stage, 20);
    expect((await read(namespace, stage)).metadata.uid).toBe(uid);
    stage.pods.remove(`${namespace}/app`);
    await pass(stage, 9);
    expect((await read(namespace, stage)).metadata.uid).toBe(uid);
    await pass(stage, unneededMs / 60_000);
    await isGone(stage, namespace);
  });

  test('is counted from the beginning by a new leader', async () => {
    const stage = await stageCopies();
    const namespace = await freshNamespace();
    await leaveCopy(stage, namespace, dockerConfigOf('right', host));
    stage.setSource({ text: dockerConfigOf('right', host) });
    const end = stage.lead();
    await pass(stage, 9);
    end();
    stage.lead();
    await pass(stage, 9);
    expect(await read(namespace, stage)).toBeDefined();
    await pass(stage, 3);
    await isGone(stage, namespace);
  });

  test('is back for the Pod that names it and was being stored when it went', async () => {
    const stage = await stageCopies();
    const namespace = await freshNamespace();
    stage.setSource({ text: dockerConfigOf('right', host) });
    stage.lead();
    await pass(stage, 1);
    stage.putPod(namespace, stage.copyName);
    const copy = await holds(stage, namespace, dockerConfigOf('right', host));
    expect(copy.metadata.ownerReferences).toMatchObject([{ uid: stage.owner.uid }]);
  });

  test('goes when its resource names the Secret no more, and not for another mistake in it', async () => {
    const stage = await stageCopies();
    const namespace = await freshNamespace();
    await leaveCopy(stage, namespace, dockerConfigOf('right', host));
    stage.putPod(namespace, stage.copyName);
    stage.setSource({ text: dockerConfigOf('right', host) });
    stage.lead();
    await pass(stage, 1);
    const { spec, metadata } = stage.set;
    const mistaken = { ...spec, podFilter: { labels: { include: ['a in ('] } } };
    stage.setResource({ ...stage.set, metadata: { ...metadata, generation: 2 }, spec: mistaken });
    await pass(stage, 2);
    expect(await read(namespace, stage)).toBeDefined();
    const without = { ...spec, upstreams: [{ registry: host, path: '/team' }] };
    stage.setResource({ ...stage.set, metadata: { ...metadata, generation: 3 }, spec: without });
    await isGone(stage, namespace);
  });
});
