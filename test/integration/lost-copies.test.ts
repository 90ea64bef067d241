import { expect, test } from 'vitest';
import { putLostCopy, takeOut } from '#actors/lost-copies/lost-copies-object.ts';
import { adminClient } from '#test/support/api-server/kube-client.ts';
import { admin, freshNamespace } from '#test/support/api-server/plane.ts';

const { signal } = new AbortController();
const copyOf = (name: string) => ({
  resource: 'ImageSetMirror/team/copies',
  copy: `harbor.example.com/team/${name}:1`,
});

/** Two replicas and the leader, each with its own client, and what stands in the object. */
async function startReplicas() {
  const namespace = await freshNamespace();
  const [one, other, leader] = await Promise.all([adminClient(), adminClient(), adminClient()]);
  const data = async (): Promise<Readonly<Record<string, string>>> =>
    (await admin().get(`/api/v1/namespaces/${namespace}/configmaps/kuik-lost-copies`)).data ?? {};
  const copies = async () =>
    Object.values(await data()).map((text) => JSON.parse(text).copy as string);
  return { namespace, one, other, leader, data, copies };
}

test('what replicas put in at the same time is all there, the same once', async () => {
  const { namespace, one, other, copies } = await startReplicas();
  const names = Array.from({ length: 10 }, (_, index) => `app-${index}`);
  const put = (client: typeof one, name: string) =>
    putLostCopy(client, { namespace, lost: copyOf(name) }, signal);
  const counts = await Promise.all([
    ...names.map((name) => put(one, name)),
    ...names.slice(5).map((name) => put(other, name)),
    put(other, 'more'),
  ]);
  expect(counts.filter(({ ok }) => !ok)).toEqual([]);
  const expected = [...names, 'more'].map((name) => copyOf(name).copy);
  expect((await copies()).toSorted()).toEqual(expected.toSorted());
});

test('the leader takes out what it saw, and nothing that came since; it may come again', async () => {
  const { namespace, one, other, leader, data, copies } = await startReplicas();
  const put = (client: typeof one, name: string) =>
    putLostCopy(client, { namespace, lost: copyOf(name) }, signal);
  await put(one, 'first');
  const keys = Object.keys(await data());
  await put(other, 'second');
  expect((await takeOut(leader, { namespace, keys }, signal)).ok).toBe(true);
  expect(await copies()).toEqual([copyOf('second').copy]);
  await put(one, 'third');
  expect(await copies()).not.toContain(copyOf('first').copy);
  expect(await put(other, 'first')).toEqual({ ok: true, value: 3 });
});
