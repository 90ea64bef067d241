import { describe, expect, test } from 'vitest';
import type { PodObject } from '#core/pod.ts';
import type { SecretAnswer } from '#core/secret.ts';
import { podOf } from '#test/support/routing/pods.ts';
import { available, equal, ghcr, hub, image, route } from '#test/support/routing/route-once.ts';
import { pullSecret } from '#test/support/routing/router-stage.ts';

const naming = (...names: readonly string[]): PodObject =>
  podOf(image, {
    spec: { ...podOf(image).spec, imagePullSecrets: names.map((name) => ({ name })) },
  });
const images = { [ghcr]: { ...available, users: ['team'] } };

describe('the pull secrets of a Pod', () => {
  test('that no Secret can be named like are skipped, with a warning, and nothing is asked', async () => {
    const { stage, answer } = await route({}, naming('.', '..', 'Upper', 'a/b', '', 'own'));
    expect(stage.read).toEqual(['default/own']);
    const warnings = answer.warnings.join('\n');
    for (const name of ['.', '..', 'Upper', 'a/b']) {
      expect(warnings).toContain(`Secret default/${name} is skipped`);
    }
    expect(warnings).not.toContain('default/ is');
  });

  test('count as far as 256 are named, those that are missing too', async () => {
    const names = Array.from({ length: 300 }, (_, index) => `s${index}`);
    const secrets = pullSecret('default/s255', 'ghcr.io', 'team');
    const { stage, images: out } = await route({ images, secrets }, naming(...names));
    expect(out).toEqual([ghcr]);
    expect(stage.read).toHaveLength(256);
  });

  test.each<[string, SecretAnswer]>([
    ['more than 256 KiB', large({ 'ghcr.io': { auth: 'x'.repeat(256 * 1024) } })],
    [
      'more than 1,000 registries',
      large(Object.fromEntries(Array.from({ length: 1_001 }, (_, index) => [`r${index}.io`, {}]))),
    ],
  ])('with %s are skipped as broken, and spoil no other', async (_, answer) => {
    const secrets = { 'default/large': answer, ...pullSecret('default/own', 'ghcr.io', 'team') };
    const { answer: said, images: out } = await route({ images, secrets }, naming('large', 'own'));
    expect(out).toEqual([ghcr]);
    expect(said.warnings.join()).toContain('Secret default/large: expected at most');
  });

  test('of a thousand registries each hold nobody up', async () => {
    const hosts = Array.from({ length: 1_000 }, (_, index) => `*${'a*'.repeat(20)}b.r${index}.io`);
    const names = Array.from({ length: 100 }, (_, index) => `s${index}`);
    const secrets = Object.assign(
      {},
      ...names.map((name) => pullSecret(`default/${name}`, hosts, 'team')),
    ) as Record<string, SecretAnswer>;
    let longestMs = 0;
    let last = process.threadCpuUsage();
    // Its own CPU time: what else the machine does is not the Secrets'.
    const beat = setInterval(() => {
      const { user, system } = process.threadCpuUsage(last);
      longestMs = Math.max(longestMs, (user + system) / 1_000);
      last = process.threadCpuUsage();
    }, 1);
    await route({ secrets }, naming(...names));
    clearInterval(beat);
    expect(longestMs).toBeLessThan(50);
  });

  test('that were mended since they were read count at once', async () => {
    const secrets: Record<string, SecretAnswer> = pullSecret('default/own', 'ghcr.io', 'old');
    const renewed = pullSecret('default/own', 'ghcr.io', 'team');
    const { images: out, stage } = await route({ images, secrets, renewed }, naming('own'));
    expect(out).toEqual([ghcr]);
    expect(stage.asked.filter((one) => one.startsWith(ghcr))).toEqual([
      `${ghcr} old`,
      `${ghcr} team`,
    ]);
  });
});

function large(auths: object): SecretAnswer {
  const data = { '.dockerconfigjson': JSON.stringify({ auths }) };
  const type = 'kubernetes.io/dockerconfigjson';
  return {
    kind: 'found',
    isCopy: false,
    secret: { namespace: 'default', name: 'large', type, data },
  };
}

describe('a Pod whose service account allows no other pull secret', () => {
  test('gets the next candidate that needs none', async () => {
    const secret = { credentialSecret: { name: 'pull', namespace: 'vault' } };
    const {
      images: out,
      secrets,
      answer,
    } = await route({
      resources: [equal({}, secret)],
      secrets: pullSecret('vault/pull', 'ghcr.io', 'robot'),
      images: { [ghcr]: { ...available, users: ['robot'] }, [hub]: available },
      objection: 'the service account default/default mounts only its own',
    });
    expect(out).toEqual([hub]);
    expect(secrets).toBeUndefined();
    expect(answer.warnings.join()).toContain(
      `${ghcr} was passed over: the service account default/default mounts only its own`,
    );
  });
});

describe('what is lent', () => {
  const lent = (path: string) => ({
    path,
    credentialSecret: { name: 'pull', namespace: 'vault' },
  });

  test('for /pay is no key for /payroll, with which nothing is asked either', async () => {
    const asked = async (key: string) => {
      const { stage } = await route({
        resources: [equal({}, lent('/payroll'))],
        secrets: pullSecret('vault/pull', key, 'robot'),
      });
      return stage.asked.find((one) => one.startsWith('ghcr.io'));
    };
    const target = 'ghcr.io/payroll/team/app:1';
    expect(await asked('ghcr.io/pay')).toBe(target);
    expect(await asked('ghcr.io/payroll/te')).toBe(`${target} robot`);
    expect(await asked('ghcr.io')).toBe(`${target} robot`);
  });
});
