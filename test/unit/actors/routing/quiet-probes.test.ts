import { describe, expect, test } from 'vitest';
import type { PodAdmission } from '#core/pod.ts';
import {
  available,
  forever,
  probeOf,
  settled,
  startRegistries,
} from '#test/support/registries/registries-stage.ts';
import { admissionOf, podOf } from '#test/support/routing/pods.ts';
import { equal, image } from '#test/support/routing/route-once.ts';
import { startRouter } from '#test/support/routing/router-stage.ts';

/** A router, and whether each registry that it asks is asked quietly. */
function listen() {
  const quiet: unknown[] = [];
  const stage = startRouter({
    resources: [equal()],
    registries: () => ({
      isTrusted: () => false,
      recall: () => undefined,
      probe: async (_probe, _signal, options) => {
        quiet.push(options?.isQuiet);
        return { kind: 'Answered', outcome: available, ms: 1, remembered: false };
      },
    }),
  });
  return { stage, quiet };
}

async function askedQuietly(given: Partial<PodAdmission>): Promise<readonly unknown[]> {
  const { stage, quiet } = listen();
  await stage.admit(admissionOf(podOf(image), given));
  return quiet;
}

describe('a probe that is to change nothing', () => {
  test('is that of a dry run, and of no other review', async () => {
    expect(await askedQuietly({ dryRun: true })).toEqual([true, true, true]);
    expect(await askedQuietly({ dryRun: false })).toEqual([false, false, false]);
  });

  test('is that of an explanation', async () => {
    const { stage, quiet } = listen();
    const subject = { namespace: 'apps', labels: {}, annotations: {}, pullSecrets: [] };
    const query = { image, policy: 'IfNotPresent', ...subject } as const;
    await stage.drive(stage.router.explain(query, forever));
    expect(quiet).toEqual([true, true, true]);
  });

  test('tells nobody what it found; a review that joins it does', async () => {
    const { registries, sent, told } = startRegistries();
    const quiet = registries.probe(probeOf('app'), forever, { isQuiet: true });
    await settled();
    await sent[0]?.answer(available);
    await quiet;
    expect(told).toEqual([]);
    const joined = [
      registries.probe(probeOf('other'), forever, { isQuiet: true }),
      registries.probe(probeOf('other'), forever),
    ];
    await settled();
    await sent[1]?.answer(available);
    await Promise.all(joined);
    expect(told).toEqual(['other Available']);
  });
});
