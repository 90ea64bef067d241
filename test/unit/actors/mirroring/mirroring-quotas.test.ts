import { describe, expect, test } from 'vitest';
import { SourceQuotas } from '#actors/mirroring/source-quotas.ts';
import { startMirroring } from '#test/support/mirroring/mirroring-stage.ts';

const resource = 'ClusterImageSetMirror/all';
const spec = {
  imageFilter: { include: ['.+'] },
  mirrors: [{ registry: 'mirror.example.com', path: '/m' }],
};
const account = { username: 'robot', password: 'read', source: 'apps/pull' };
const auths = { 'quay.io': { username: account.username, password: account.password } };
const low = { limit: 100, remaining: 29 };
const high = { limit: 100, remaining: 90 };

/** The registry states a quota for those without an account, and one for the account. */
async function begin(stated: { readonly anonymous: object; readonly account: object }) {
  const quotas = new SourceQuotas({ now: () => stage.runtime.now() }, 0.3);
  const stage = startMirroring({ quotas });
  stage.secrets.set('apps/pull', {
    ...{ kind: 'found', isCopy: false },
    secret: {
      ...{ namespace: 'apps', name: 'pull', type: 'kubernetes.io/dockerconfigjson' },
      data: { '.dockerconfigjson': JSON.stringify({ auths }) },
    },
  });
  quotas.state('quay.io', stated.anonymous as typeof low);
  quotas.state('quay.io', stated.account as typeof low, account);
  const run = async (name: string, pullSecrets: readonly string[]) => {
    stage.twin.push(`quay.io/team/${name}:1`);
    stage.run(name, `quay.io/team/${name}:1`, { pullSecrets });
    await stage.pass(2_000);
  };
  const stateOf = (name: string) => {
    const images = stage.images(resource);
    return images.find(({ image }) => image === `quay.io/team/${name}:1`)?.copies[0]?.state;
  };
  stage.declare('ClusterImageSetMirror', 'all', spec);
  await stage.lead();
  return { stage, run, stateOf };
}

describe('a quota that is low', () => {
  test('for those who have no account holds up no copy that reads with one', async () => {
    const { stage, run, stateOf } = await begin({ anonymous: low, account: high });
    await run('open', []);
    await run('private', ['pull']);
    await run('other', ['pull']);
    expect([stateOf('open'), stateOf('private'), stateOf('other')]).toEqual([
      ...['Scheduled', 'Available', 'Available'],
    ]);
    await stage.pass(3_700_000, 60_000);
    expect(stateOf('open')).toBe('Available');
  });

  test('for an account holds up its own copies, and none that reads without', async () => {
    const { stage, run, stateOf } = await begin({ anonymous: high, account: low });
    // Of which account a Secret is turns out when it is opened first.
    await run('first', ['pull']);
    await run('open', []);
    await run('private', ['pull']);
    expect([stateOf('open'), stateOf('private')]).toEqual(['Available', 'Scheduled']);
    expect(stage.images(resource).some(({ copies }) => copies[0]?.lastError)).toBe(false);
    await stage.pass(3_700_000, 60_000);
    expect(stateOf('private')).toBe('Available');
  });
});
