import { describe, expect, test } from 'vitest';
import { reviewOf, stageWebhook } from '#test/support/operator/reviews.ts';
import { admissionOf, container, podOf } from '#test/support/routing/pods.ts';
import { clusterMirror, namespacedSet } from '#test/support/routing/resources.ts';
import {
  available,
  equal,
  everything,
  ghcr,
  hub,
  image,
  route,
} from '#test/support/routing/route-once.ts';
import { pullSecret, startRouter } from '#test/support/routing/router-stage.ts';

const hanging = { kind: 'Available' } as const;

describe('what is asked', () => {
  test('is nothing at all where nothing is declared, and the Pod leaves as it came', async () => {
    const { answer, stage } = await route({ resources: [] });
    expect([answer.patch, answer.warnings]).toEqual([[], []]);
    expect([stage.asked, stage.read]).toEqual([[], []]);
  });

  test('is a lone alternative all the same', async () => {
    const discarded = { discardAlternative: true };
    const resources = [equal(discarded, {}, discarded)];
    const { stage, reasons } = await route({ resources, images: { [ghcr]: available } });
    expect(stage.asked).toEqual([ghcr]);
    expect(reasons).toEqual(['OriginalDiscarded']);
  });

  test('is each image once, however many containers share it', async () => {
    const spec = {
      initContainers: [container('init', image)],
      containers: [container('a', image)],
    };
    const { stage, images } = await route({ images: { [hub]: available } }, podOf(image, { spec }));
    expect(stage.asked).toHaveLength(3);
    expect(images).toEqual([hub, hub]);
  });

  test('ends with the deadline of the review, and what the others said by then counts', async () => {
    const images = { [image]: hanging, [ghcr]: available };
    const given = { deadlineMs: 3_000 };
    const { answer, reasons } = await route({ images, timeoutMs: 30_000 }, podOf(image), given);
    expect(reasons).toEqual(['OriginalUnreachable']);
    expect(answer.tookMs).toBe(2_500);
  });

  test('is not cut short by a deadline that is far away', async () => {
    const images = { [image]: hanging, [ghcr]: available };
    const { answer } = await route({ images }, podOf(image), { deadlineMs: 3_000 });
    expect(answer.tookMs).toBe(1_000);
  });
});

describe('nothing available', () => {
  test('leaves the original, with a warning that names what was tried and why each failed', async () => {
    const images = { [ghcr]: { kind: 'InvalidAuth', afterMs: 10 }, [hub]: hanging } as const;
    const { answer } = await route({ images });
    expect(answer.patch).toEqual([]);
    expect(answer.warnings).toEqual([
      `kuik: app keeps ${image}: nothing is available; tried ${image} (NotFound: NotFound); ${ghcr} (InvalidAuth: InvalidAuth); ${hub} (Unreachable: docker.io: no answer within 1000 ms)`,
    ]);
  });

  test('is said once for containers that share a sentence, and of each that has its own', async () => {
    const spec = { containers: [container('a', image), container('b', image)] };
    const { answer } = await route({}, podOf(image, { spec }));
    expect(answer.warnings).toHaveLength(2);
  });
});

describe('a new ephemeral container', () => {
  const shell = podOf('', {
    spec: {
      containers: [container('app', 'kept:1')],
      ephemeralContainers: [container('shell', image)],
    },
  });
  const given = { subresource: 'ephemeralcontainers', oldPod: podOf('kept:1') } as const;
  const resources = [equal({}, { credentialSecret: { name: 'pull', namespace: 'vault' } })];
  const secrets = pullSecret('vault/pull', 'ghcr.io', 'robot');

  test('gets its image and neither annotation nor pull secret', async () => {
    const { answer } = await route({ images: { [ghcr]: available } }, shell, given);
    expect(answer.patch).toEqual([
      { op: 'replace', path: '/spec/ephemeralContainers/0/image', value: ghcr },
    ]);
  });

  test('is offered only what the Pod can pull with the secrets that it names', async () => {
    const images = { [ghcr]: { ...available, users: ['robot'] }, [hub]: available };
    const { images: out, stage } = await route({ resources, images, secrets }, shell, given);
    expect([out, stage.placed, stage.read]).toEqual([[hub], [], []]);
  });

  test('is offered what a copy put there at its creation opens', async () => {
    const spec = { ...shell.spec, imagePullSecrets: [{ name: 'kuik-pull-0' }] };
    const [copy] = Object.values(pullSecret('default/kuik-pull-0', 'ghcr.io', 'robot'));
    const { images: out } = await route(
      {
        ...{ resources, images: { [ghcr]: { ...available, users: ['robot'] } } },
        secrets: { 'default/kuik-pull-0': { ...copy, isCopy: true } as never },
      },
      { ...shell, spec },
      given,
    );
    expect(out).toEqual([ghcr]);
  });
});

describe('what one Pod was told', () => {
  test('says nothing to a Pod of another namespace', async () => {
    const set = namespacedSet('team-a/equal', {
      upstreams: [
        { registry: 'quay.io', imageFilter: everything },
        { registry: 'ghcr.io', credentialSecret: { name: 'pull' } },
      ],
    });
    const stage = startRouter({
      resources: [set],
      images: { [ghcr]: { ...available, users: ['robot'] } },
      secrets: pullSecret('team-a/pull', 'ghcr.io', 'robot'),
    });
    const own = await stage.admit(admissionOf(podOf(image), { namespace: 'team-a' }));
    const other = await stage.admit(admissionOf(podOf(image), { namespace: 'team-b' }));
    expect(own.decisions[0]?.winner).toBe(ghcr);
    expect(other).toMatchObject({
      patch: [],
      warnings: [],
      decisions: [{ reason: 'OnlyCandidate' }],
    });
  });
});

test('a patch that would spoil the Pod is dropped, and the Pod admitted as it came', async () => {
  const metadata = { annotations: { mine: 'x'.repeat(256 * 1024 - 10) } };
  const mirror = clusterMirror('m', {
    imageFilter: everything,
    mirrors: [{ registry: 'ghcr.io' }],
  });
  const { router, drive } = startRouter({ resources: [mirror], images: { [ghcr]: available } });
  const webhook = stageWebhook(router.admit);
  const review = reviewOf(podOf(image, { metadata }), { uid: 'full' });
  const { value: answer } = await drive(webhook.review(review));
  expect(answer).toMatchObject({ uid: 'full', allowed: true, patch: undefined });
  expect(answer.warnings.join()).toContain('its patch was dropped');
  expect(webhook.errors).toEqual(['patch']);
});
