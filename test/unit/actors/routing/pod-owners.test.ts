import { expect, onTestFinished, test } from 'vitest';
import { PodOwners } from '#actors/routing/pod-owners.ts';
import type { KubeClient } from '#kube/client.ts';
import { createTestRuntime } from '#test/support/time/test-runtime.ts';

const owner = {
  apiVersion: 'apps/v1',
  kind: 'ReplicaSet',
  name: 'web-1',
  uid: 'u',
  controller: true,
};

function stage(uid: string | undefined) {
  const asked: string[] = [];
  const call = async ({ path }: { readonly path: string }) => {
    asked.push(path);
    return uid === undefined
      ? { ok: false, error: { kind: 'status', code: 404, message: 'not found' } }
      : { ok: true, value: { metadata: { uid } } };
  };
  const owners = new PodOwners(createTestRuntime(), { call } as unknown as KubeClient);
  onTestFinished(owners.close);
  return { owners, asked };
}

test('an owner is there where a GET finds it with that uid, asked once', async () => {
  const { owners, asked } = stage('u');
  expect(await owners.isThere('apps', owner)).toBe(true);
  expect(await owners.isThere('apps', owner)).toBe(true);
  expect(asked).toEqual(['/apis/apps/v1/namespaces/apps/replicasets/web-1']);
});

test.each([undefined, 'another'])('it is not where what is found is %s', async (uid) => {
  const { owners } = stage(uid);
  expect(await owners.isThere('apps', owner)).toBe(false);
});

test.each([
  { ...owner, kind: 'Secret', apiVersion: 'v1' },
  { ...owner, kind: 'Widget', apiVersion: 'example.com/v1' },
  { ...owner, apiVersion: 'apps/v1/../..' },
  { ...owner, name: '..' },
])('nothing is asked about $apiVersion $kind $name', async (other) => {
  const { owners, asked } = stage('u');
  expect(await owners.isThere('apps', other)).toBe(false);
  expect(asked).toEqual([]);
});
