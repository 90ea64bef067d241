import { describe, expect, test } from 'vitest';
import { lentSecrets } from '#actors/secrets/lent-secrets.ts';
import type { ImageSetMirrorSpec } from '#api/image-set-mirror.ts';
import { lentLocations } from '#core/routing/declared-secrets.ts';
import { missingCredentials } from '#core/routing/missing-credentials.ts';
import { compileTable } from '#core/routing/table.ts';
import { secretNameText } from '#core/secret.ts';
import { podOf } from '#test/support/routing/pods.ts';
import { clusterMirror, namespacedMirror } from '#test/support/routing/resources.ts';
import { available, everything, image, route } from '#test/support/routing/route-once.ts';
import { pullSecret } from '#test/support/routing/router-stage.ts';

const copy = 'harbor.example.com/m/team/app:1';
const push = { namespace: 'vault', name: 'push' };
const pull = { namespace: 'vault', name: 'pull' };
const secrets = {
  ...pullSecret('vault/push', 'harbor.example.com', 'pusher'),
  ...pullSecret('vault/pull', 'harbor.example.com', 'puller'),
};

const specOf = (given: object): ImageSetMirrorSpec => ({
  imageFilter: everything,
  mirrors: [{ registry: 'harbor.example.com', path: '/m', ...given }],
});
const apart = clusterMirror('m', specOf({ credentialSecret: push, pullCredentialSecret: pull }));
const together = clusterMirror('m', specOf({ credentialSecret: push }));
const images = { [copy]: { ...available, users: ['puller', 'pusher'] } };

describe('what a mirror pushes with, where another Secret is there to pull with,', () => {
  test('is neither read, tried nor put beside a Pod', async () => {
    const { stage, images: out } = await route({ resources: [apart], images, secrets });
    expect(out).toEqual([copy]);
    expect(stage.read).toEqual(['vault/pull']);
    expect(stage.asked).toContain(`${copy} puller`);
    expect(stage.placed).toEqual(['default/pull of m']);
  });

  test('is not named by a Pod of its own namespace either', async () => {
    const own = namespacedMirror(
      'vault/m',
      specOf({
        ...{ credentialSecret: { name: 'push' }, pullCredentialSecret: { name: 'pull' } },
      }),
    );
    const at = { namespace: 'vault' };
    const routed = await route({ resources: [own], images, secrets }, podOf(image), at);
    expect([routed.stage.placed, routed.secrets]).toEqual([[], ['pull']]);
  });

  test('does not take the place of one to pull with that is missing', async () => {
    const only = pullSecret('vault/push', 'harbor.example.com', 'pusher');
    const { stage, images: out } = await route({ resources: [apart], images, secrets: only });
    expect(out).toEqual([image]);
    expect(stage.asked).toContain(copy);
    expect(stage.placed).toEqual([]);
  });

  test('has no copies to be kept, and its Secret none of its keys lent', async () => {
    const table = compileTable([apart]);
    const find = (name: typeof push) => secrets[secretNameText(name)];
    const lent = await lentSecrets(table, find);
    expect(lent.map(({ reduced }) => reduced?.name)).toEqual(['pull']);
    expect(lentLocations(table.find('ClusterImageSetMirror/m'), push)).toEqual([]);
  });

  test('has to be there: copies cannot be made without it', () => {
    const find = (name: typeof push) =>
      secrets[secretNameText(name)] ?? { kind: 'missing' as const };
    expect(missingCredentials(apart, find)).toEqual([]);
    const others = { ...secrets, 'vault/push': { kind: 'missing' as const } };
    expect(missingCredentials(apart, (name) => others[secretNameText(name) as never])).toEqual([
      {
        reason: 'CredentialsMissing',
        message: 'spec.mirrors[0].credentialSecret: Secret vault/push does not exist',
      },
    ]);
  });
});

test('what a mirror pushes with is what its copies are pulled with, where nothing else is', async () => {
  const { stage, images: out } = await route({ resources: [together], images, secrets });
  expect(out).toEqual([copy]);
  expect(stage.placed).toEqual(['default/push of m']);
  expect(compileTable([together]).find('ClusterImageSetMirror/m')).toMatchObject({
    entries: [{ credentialSecret: push, pushSecret: push }],
  });
});
