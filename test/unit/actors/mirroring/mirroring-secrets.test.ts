import { describe, expect, test } from 'vitest';
import type { SecretAnswer } from '#core/secret.ts';
import { startMirroring } from '#test/support/mirroring/mirroring-stage.ts';

const image = 'quay.io/team/a:1';
const resource = 'ClusterImageSetMirror/all';
const spec = {
  imageFilter: { include: ['.+'] },
  mirrors: [
    {
      ...{ registry: 'mirror.example.com', path: '/m' },
      credentialSecret: { namespace: 'ops', name: 'push' },
    },
    {
      ...{ registry: 'quay.io', path: '/team' },
      credentialSecret: { namespace: 'ops', name: 'source' },
    },
  ],
};

function secret(namespace: string, name: string, registry: string, password: string): SecretAnswer {
  const auths = { [registry]: { username: 'robot', password } };
  return {
    ...{ kind: 'found', isCopy: false },
    secret: {
      ...{ namespace, name, type: 'kubernetes.io/dockerconfigjson' },
      data: { '.dockerconfigjson': JSON.stringify({ auths }) },
    },
  };
}

async function begin(passwords: { readonly push: string; readonly pull: string }) {
  const stage = startMirroring();
  const rotate = (path: string, registry: string, password: string) => {
    const [namespace = '', name = ''] = path.split('/');
    stage.secrets.set(path, secret(namespace, name, registry, password));
  };
  rotate('ops/push', 'mirror.example.com', passwords.push);
  rotate('apps/pull', 'quay.io', passwords.pull);
  stage.twin.guard('mirror.example.com', 'new');
  stage.twin.guard('quay.io', 'new');
  stage.twin.push(image);
  stage.run('a', image, { pullSecrets: ['pull'] });
  stage.declare('ClusterImageSetMirror', 'all', spec);
  await stage.lead();
  return { stage, rotate, copyNow: () => stage.images(resource)[0]?.copies[0] };
}

describe('a copy that its mirror refused', () => {
  test('is made within seconds after the push Secret was rotated', async () => {
    const { stage, rotate, copyNow } = await begin({ push: 'old', pull: 'new' });
    await stage.pass(60_000, 1_000);
    expect(copyNow()).toMatchObject({ state: 'Failed', failure: 'denied' });
    expect(stage.twin.copied).toHaveLength(1);
    rotate('ops/push', 'mirror.example.com', 'new');
    stage.changeSecrets();
    await stage.pass(2_000);
    expect(copyNow()).toMatchObject({ state: 'Available' });
  });

  test('although the Secret was rotated while it was being made is tried again, too', async () => {
    const { stage, rotate, copyNow } = await begin({ push: 'old', pull: 'new' });
    const letGo = stage.twin.hold();
    rotate('ops/push', 'mirror.example.com', 'old');
    stage.declare('ClusterImageSetMirror', 'all', { ...spec, imageFilter: { include: ['.*'] } });
    await stage.pass(1_000);
    stage.run('b', 'quay.io/team/b:1', { pullSecrets: ['pull'] });
    stage.twin.push('quay.io/team/b:1');
    await stage.pass(500);
    rotate('ops/push', 'mirror.example.com', 'new');
    stage.changeSecrets();
    await stage.pass(500);
    letGo();
    await stage.pass(3_000);
    expect(copyNow()).toMatchObject({ state: 'Available' });
    const states = stage.images(resource).map(({ copies }) => copies[0]?.state);
    expect(states).toEqual(['Available', 'Available']);
  });
});

describe('a copy that its source refused', () => {
  test('is made within seconds after the Secret that is declared for it was rotated', async () => {
    const { stage, rotate, copyNow } = await begin({ push: 'new', pull: 'old' });
    await stage.pass(300_000, 1_000);
    expect(copyNow()).toMatchObject({ state: 'BackingOff', failure: 'source-denied' });
    rotate('ops/source', 'quay.io', 'new');
    stage.changeSecrets();
    await stage.pass(2_000);
    expect(copyNow()).toMatchObject({ state: 'Available' });
  });

  test('is made when a Pod comes after its own pull secret was mended, which nobody watches', async () => {
    const { stage, rotate, copyNow } = await begin({ push: 'new', pull: 'old' });
    await stage.pass(600_000, 1_000);
    expect(copyNow()).toMatchObject({ state: 'BackingOff', failure: 'source-denied' });
    const { length } = stage.twin.copied;
    rotate('apps/pull', 'quay.io', 'new');
    await stage.pass(1_000);
    expect(stage.twin.copied).toHaveLength(length);
    stage.run('b', image, { pullSecrets: ['pull'] });
    await stage.pass(60_000, 1_000);
    expect(copyNow()).toMatchObject({ state: 'Available' });
  });

  test('is asked no more than once in a while, however many Pods come', async () => {
    const { stage } = await begin({ push: 'new', pull: 'old' });
    await stage.pass(600_000, 1_000);
    const { length } = stage.twin.copied;
    for (let at = 0; at < 60; at += 1) {
      stage.run(`pod-${at}`, image, { pullSecrets: ['pull'] });
      await stage.pass(1_000);
    }
    expect(stage.twin.copied.length - length).toBeLessThanOrEqual(3);
  });
});
