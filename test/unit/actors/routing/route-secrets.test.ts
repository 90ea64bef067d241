import { describe, expect, test } from 'vitest';
import { podOf } from '#test/support/routing/pods.ts';
import { available, equal, ghcr, hub, image, route } from '#test/support/routing/route-once.ts';
import { pullSecret } from '#test/support/routing/router-stage.ts';

describe('a Secret that the entry names', () => {
  const secret = { credentialSecret: { name: 'pull', namespace: 'vault' } };
  const vault = pullSecret('vault/pull', 'ghcr.io', 'robot');
  const resources = [equal({}, secret)];
  const images = { [ghcr]: { ...available, users: ['robot'] } };

  test('is put beside the Pod, which names it', async () => {
    const { stage, secrets } = await route({ resources, images, secrets: vault });
    expect(stage.placed).toEqual(['default/pull of equal']);
    expect(secrets).toEqual(['kuik-pull-0']);
  });

  test('joins those that the Pod names already', async () => {
    const spec = { ...podOf(image).spec, imagePullSecrets: [{ name: 'own' }] };
    const own = pullSecret('default/own', 'quay.io', 'team');
    const all = { resources, images, secrets: { ...vault, ...own } };
    const { secrets } = await route(all, podOf(image, { spec }));
    expect(secrets).toEqual(['own', 'kuik-pull-0']);
  });

  test('stays at home when the Pod’s own was let in', async () => {
    const spec = { ...podOf(image).spec, imagePullSecrets: [{ name: 'own' }] };
    const own = pullSecret('default/own', 'ghcr.io', 'team');
    const { stage, secrets } = await route(
      {
        resources,
        images: { [ghcr]: { ...available, users: ['team'] } },
        secrets: { ...vault, ...own },
      },
      podOf(image, { spec }),
    );
    expect(stage.asked).toContain(`${ghcr} robot team`);
    expect([stage.placed, secrets]).toEqual([[], ['own']]);
  });

  test('is named and not copied where it lives beside the Pod, once', async () => {
    const at = { namespace: 'vault' };
    const { stage, secrets } = await route({ resources, images, secrets: vault }, podOf(image), at);
    expect([stage.placed, secrets]).toEqual([[], ['pull']]);
    const named = { spec: { ...podOf(image).spec, imagePullSecrets: [{ name: 'pull' }] } };
    const again = await route({ resources, images, secrets: vault }, podOf(image, named), at);
    expect(again.secrets).toEqual(['pull']);
  });

  test('that is missing is a warning, and the candidate is asked without it', async () => {
    const {
      stage,
      answer,
      images: out,
    } = await route({ resources, images: { [ghcr]: available } });
    expect(stage.asked).toContain(ghcr);
    expect(out).toEqual([ghcr]);
    expect(answer.warnings).toEqual([
      'kuik: Secret vault/pull is missing: it was asked without it',
    ]);
  });

  test('that could not be read is a warning, too', async () => {
    const secrets = { 'vault/pull': { kind: 'unreadable', message: 'forbidden' } } as const;
    const { answer } = await route({ resources, images: { [ghcr]: available }, secrets });
    expect(answer.warnings.join()).toContain('vault/pull was not read: forbidden');
  });

  test('that cannot be put in its place makes the next candidate win, with a warning', async () => {
    const { answer, images: out } = await route({
      ...{ resources, secrets: vault },
      images: { ...images, [hub]: available },
      placeSecret: async () => ({ ok: false, error: 'no quota' }),
    });
    expect(out).toEqual([hub]);
    expect(answer.warnings).toEqual([`kuik: ${ghcr} was passed over: no quota`]);
  });

  test('is only said to be written on a dry run', async () => {
    const { stage } = await route({ resources, images, secrets: vault }, podOf(image), {
      dryRun: true,
    });
    expect(stage.placed).toEqual(['dry default/pull of equal']);
  });

  test('that is a copy of ours is no source', async () => {
    const copy = { ...vault['vault/pull'], isCopy: true } as never;
    const { stage, answer } = await route({ resources, images, secrets: { 'vault/pull': copy } });
    expect(stage.asked).toContain(ghcr);
    expect(answer.warnings.join()).toContain('is a copy and no source of copies');
  });

  test('opens the original when none of the Pod’s own does, its image unchanged', async () => {
    const forOriginal = { credentialSecret: { name: 'quay', namespace: 'vault' } };
    const {
      secrets,
      images: out,
      reasons,
    } = await route({
      resources: [equal(forOriginal)],
      images: { [image]: { ...available, users: ['robot'] } },
      secrets: pullSecret('vault/quay', 'quay.io', 'robot'),
    });
    expect([out, reasons, secrets]).toEqual([[image], ['OriginalAvailable'], ['kuik-quay-0']]);
  });

  test('comes after the Pod’s own for the original, before them for any other', async () => {
    const spec = { ...podOf(image).spec, imagePullSecrets: [{ name: 'own' }] };
    const both = (host: string) => ({
      ...pullSecret('vault/pull', host, 'robot'),
      ...pullSecret('default/own', host, 'team'),
    });
    const stages = await Promise.all(
      ['quay.io', 'ghcr.io'].map((host) =>
        route({ resources: [equal(secret, secret)], secrets: both(host) }, podOf(image, { spec })),
      ),
    );
    expect(stages.map(({ stage }) => stage.asked.filter((one) => one.includes(' ')))).toEqual([
      [`${image} team robot`],
      [`${ghcr} robot team`],
    ]);
  });
});

describe('a pull secret of the Pod', () => {
  const spec = { ...podOf(image).spec, imagePullSecrets: [{ name: 'own' }] };
  test('that is missing or broken is a warning and keeps no Pod out', async () => {
    const broken = {
      kind: 'found',
      isCopy: false,
      secret: {
        ...{ namespace: 'default', name: 'own', type: 'kubernetes.io/dockerconfigjson' },
        data: { '.dockerconfigjson': 'no JSON' },
      },
    } as const;
    for (const secrets of [{}, { 'default/own': broken }]) {
      const { answer, images: out } = await route(
        { secrets, images: { [ghcr]: available } },
        podOf(image, { spec }),
      );
      expect(out).toEqual([ghcr]);
      expect(answer.warnings.join()).toContain('Secret default/own');
    }
  });

  test('is read only where something is asked', async () => {
    const { stage } = await route({ resources: [] }, podOf(image, { spec }));
    expect(stage.read).toEqual([]);
  });
});
