import { describe, expect, test } from 'vitest';
import { CancellationSource } from '#core/cancellation.ts';
import { admissionOf, podOf } from '#test/support/routing/pods.ts';
import { available, equal, ghcr, hub, image, route } from '#test/support/routing/route-once.ts';
import {
  pullSecret,
  type RouterStageOptions,
  startRouter,
} from '#test/support/routing/router-stage.ts';

const gone = { kind: 'NotFound' } as const;
const there = { kind: 'Available' } as const;

/** One review, not waited for. */
function ask(options: RouterStageOptions, pod = podOf(image)) {
  const stage = startRouter({ resources: [equal()], ...options });
  const cancellation = new CancellationSource();
  return { stage, answer: stage.router.admit(admissionOf(pod), cancellation) };
}

describe('an answer that needs no waiting is there at once', () => {
  test('where nothing is declared', () => {
    const { answer } = ask({ resources: [] });
    expect(answer).not.toBeInstanceOf(Promise);
    expect(answer).toMatchObject({ patch: [], decisions: [{ reason: 'OnlyCandidate' }] });
  });

  test('where what is asked is remembered up to the first that is available', () => {
    const { stage, answer } = ask({ remembered: { [image]: gone, [ghcr]: there } });
    expect(answer).toMatchObject({
      warnings: [],
      decisions: [
        {
          winner: ghcr,
          reason: 'OriginalNotFound',
          ms: 0,
          candidates: [
            { image, status: 'NotFound', ms: 0, message: 'NotFound' },
            { image: ghcr, status: 'Available', ms: 0 },
            { image: hub, status: 'NotAsked' },
          ],
        },
      ],
    });
    expect(stage.asked).toEqual([]);
  });

  test('where a trusted registry stands before what is not remembered', () => {
    const { stage, answer } = ask({ remembered: { [image]: gone }, trusted: ['ghcr.io'] });
    expect(answer).toMatchObject({ decisions: [{ winner: ghcr, reason: 'OriginalNotFound' }] });
    expect(stage.asked).toEqual([]);
  });
});

describe('what is remembered is no answer', () => {
  const remembered = { [image]: gone, [ghcr]: { ...there, users: ['robot'] } };

  test('where one of a Pod’s images has to be asked for', async () => {
    const spec = {
      containers: [
        { name: 'known', image },
        { name: 'other', image: 'quay.io/team/other:1' },
      ],
    };
    const images = { 'docker.io/team/other:1': available, [ghcr]: available };
    const known = { [image]: gone, [ghcr]: there };
    const { stage, reasons } = await route({ remembered: known, images }, podOf(image, { spec }));
    expect(reasons).toEqual(['OriginalNotFound', 'OriginalNotFound']);
    expect(stage.asked).toContain('docker.io/team/other:1');
  });

  test('where nothing of it is available: what was set aside may have come back', async () => {
    const all = { [image]: gone, [ghcr]: gone, [hub]: gone };
    const { stage, reasons } = await route({ remembered: all, images: { [hub]: available } });
    expect(reasons).toEqual(['OriginalNotFound']);
    expect(stage.asked).toContain(hub);
  });

  test('where the Pod needs a Secret for it that it does not have', async () => {
    const lent = { credentialSecret: { name: 'pull', namespace: 'vault' } };
    const secrets = pullSecret('vault/pull', 'ghcr.io', 'robot');
    const images = { [ghcr]: { ...available, users: ['robot'] } };
    const resources = [equal({}, lent)];
    const given = await route({ resources, secrets, images, remembered });
    expect(given.stage.placed).toEqual(['default/pull of equal']);
    expect(given.secrets).toEqual(['kuik-pull-0']);
  });

  test('but is one where the Pod’s own Secret was let in', async () => {
    const spec = { ...podOf(image).spec, imagePullSecrets: [{ name: 'own' }] };
    const secrets = pullSecret('default/own', 'ghcr.io', 'robot');
    const { stage, images } = await route({ secrets, remembered }, podOf(image, { spec }));
    expect(images).toEqual([ghcr]);
    expect(stage.asked).toEqual([]);
    expect(stage.read).toEqual(['default/own']);
  });
});
